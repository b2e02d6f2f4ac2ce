"""Checks that every component of a configuration names arguments that its constructor has, with values of their types."""

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from snnx.options.places import components

TRUSTED = (  # what a configuration may build: parts of networks, data and training, and nothing that loads or runs files
    "snnx",
    "torch.nn",
    "torch.optim",
    "torchvision.transforms",
    "torchmetrics",
    "spikingjelly.activation_based",
    "pytorch_lightning",
    "tonic.transforms",
)
PLAIN = (int, float, bool, str, type(None))


def check_signatures(config: dict, path: str = "") -> None:
    """Walk a resolved configuration and hold each node with a `_target_` against its constructor's signature.

    Hydra refuses a misspelled key on the command line, but accepts one inside a component of a recipe or a row, and any value.

    Raises:
        ValueError: a target lies outside the trusted packages or does not exist, a key is no argument of it, or a value is not
            of the type that the constructor states.

    Example:
        >>> check_signatures({"neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "taau": 3}})
        Traceback (most recent call last):
        ValueError: neuron: LIF has no argument taau; it takes tau, decay_input, v_threshold, v_reset, surrogate, detach_reset
        >>> check_signatures({"neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "tau": "abc"}})
        Traceback (most recent call last):
        ValueError: neuron.tau must be of type float; got abc
    """
    target = config.get("_target_")
    if target is not None:
        _bind_one(path, target, {key: value for key, value in config.items() if not key.startswith("_")})
    for key, value in config.items():
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, dict):
                check_signatures(node, f"{path}.{key}" if path else key)


def _bind_one(path: str, target: str, values: dict) -> None:
    built = constructor(path, target)
    parameters = inspect.signature(built).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    hints = _hints(built)
    for key, value in values.items():
        if key not in named:
            raise ValueError(f"{path}: {built.__name__} has no argument {key}; it takes {', '.join(named)}")
        if key in hints and not fits(value, hints[key]):
            raise ValueError(f"{path}.{key} must be of type {_name(hints[key])}; got {'null' if value is None else value}")


def constructor(path: str, target: str) -> Callable:
    """What a `_target_` names, if it lies in a trusted package or in one that a place of options brings.

    Raises:
        ValueError: it lies elsewhere, or does not exist.
    """
    module, _, name = target.rpartition(".")
    trusted = (*TRUSTED, *components())
    if not any(f"{module}.".startswith(f"{one}.") for one in trusted):
        raise ValueError(
            f"{path}._target_ must lie in one of {', '.join(trusted)}; got {target}: name a package of your own in "
            "[tool.snnx] components of pyproject.toml here"
        )
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{path}._target_ must name something that can be imported; got {target} ({error})") from None


def _hints(constructor: Callable) -> dict:
    """What the constructor says of its arguments; nothing where a third party's annotations cannot be read."""
    try:
        return typing.get_type_hints(constructor.__init__ if inspect.isclass(constructor) else constructor)
    except (NameError, TypeError, AttributeError):
        return {}


def fits(value: object, hint: object) -> bool:
    """Whether a value from YAML is of a stated type; an integer is a float, and a component is whatever it builds.

    Example:
        >>> fits(3, float), fits("3", float), fits(None, float | None), fits([1, 2], list[int]), fits(2.5, int)
        (True, False, True, True, False)
    """
    if isinstance(value, dict):
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return True  # the constructor's own message names the choices
    if isinstance(value, list):
        return origin in (list, tuple, Sequence, Iterable) or hint in (list, tuple)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint in PLAIN:
        return isinstance(value, hint)
    return hint is typing.Any or not isinstance(value, PLAIN)


def _name(hint: object) -> str:
    if inspect.isclass(hint):
        return getattr(hint, "__name__", None)
    return str(hint).replace("typing.", "").replace("collections.abc.Sequence", "list")  # as YAML has it

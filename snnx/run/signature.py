"""Checks the arguments of every component in a configuration against its constructor: their names and their types."""

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from snnx.options.places import components

TRUSTED = (  # packages whose classes a `_target_` may name; none of them loads or executes files
    "snnx",
    "torch.nn",
    "torch.optim",
    "torchvision.transforms",
    "torchmetrics",
    "spikingjelly.activation_based",
    "pytorch_lightning",
    "tonic.transforms",
)
OF_A_SEARCH = ("optuna.storages", "optuna.pruners")  # the same for the key `search`, whose nodes only a trial instantiates
PLAIN = (int, float, bool, str, type(None))  # types of single values in YAML


def check_signatures(config: dict, path: str = "") -> None:
    """Check each node of a resolved configuration that has a `_target_` against its constructor's signature.

    Hydra rejects a misspelled key on the command line. It accepts one inside a component of a recipe or a row, and it does not
    check the types of values.

    Raises:
        ValueError: a target does not exist or is outside the trusted packages, a key is not an argument of its constructor, or
            a value does not have the type that the constructor declares.

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
    """Import the class or function that a `_target_` names.

    It must be in a trusted package, or in a package that provides options or is listed under `[tool.snnx] components`.

    Args:
        path: the dotted key of the component, for error messages.
        target: the value of `_target_`, such as `snnx.neuron.lif.LIF`.

    Raises:
        ValueError: it is in another package, or does not exist.
    """
    module, _, name = target.rpartition(".")
    trusted = OF_A_SEARCH if path.startswith("search.") else (*TRUSTED, *components())
    if not any(f"{module}.".startswith(f"{package}.") for package in trusted):
        raise ValueError(
            f"{path}._target_ must be in one of {', '.join(trusted)}; got {target}: list your own package under "
            "[tool.snnx] components in pyproject.toml"
        )
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"{path}._target_ must name a class or function that can be imported; got {target} ({error})"
        ) from None


def _hints(constructor: Callable) -> dict:
    """Return the type hints of a constructor; empty if a third party's annotations cannot be resolved."""
    try:
        return typing.get_type_hints(constructor.__init__ if inspect.isclass(constructor) else constructor)
    except (NameError, TypeError, AttributeError):
        return {}


def fits(value: object, hint: object) -> bool:
    """Whether a value from YAML has the declared type; an integer is accepted as a float, and a component as any type.

    Example:
        >>> fits(3, float), fits("3", float), fits(None, float | None), fits([1, 2], list[int]), fits(2.5, int)
        (True, False, True, True, False)
    """
    if isinstance(value, dict):
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return True  # checked by the constructor itself, whose message lists the choices
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
    return str(hint).replace("typing.", "").replace("collections.abc.Sequence", "list")  # what users write in YAML

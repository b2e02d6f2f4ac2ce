"""Checks the arguments of every component in a configuration against its constructor: their names and their types."""

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence

from snnx.options.nearest import nearest
from snnx.run.target import target

NODE_KEYS = ("_target_", "_partial_")
BUILT_WITH = {
    "encoding": ("in_channels",),
    "backbone": ("neuron", "in_shape", "classes", "width"),
    "norm": ("v_threshold", "meets_sum"),
}
"""The arguments with which a component of a group is built, besides those of the configuration."""
MANY = 20  # arguments of a constructor that are listed even if one of them is meant
PLAIN = (int, float, bool, str, type(None))  # types of single values in YAML


def check_signatures(config: dict, path: str = "") -> None:
    """Check each node of a resolved configuration that has a `_target_` against its constructor's signature.

    Hydra rejects a misspelled key on the command line. It accepts one inside a component of a recipe or a row, and it does not
    check the types of values.

    Raises:
        ValueError: a configuration may not name the target, see `target`; a key is not an argument of its constructor; the
            constructor lacks an argument that is added later; or a value does not have the type that it declares.

    Example:
        >>> check_signatures({"loss": {"_target_": "snnx.loss.tet.TET", "lambda": 0.01}})
        Traceback (most recent call last):
        ValueError: loss: TET has no argument lambda; it takes lambda_mse, means; did you mean lambda_mse?
        >>> check_signatures({"neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "tau": "abc"}})
        Traceback (most recent call last):
        ValueError: neuron.tau must be of type float; got abc
    """
    for node_path, node in nodes(config, path):
        check_signature(node_path, node)


def nodes(value: object, path: str = "") -> Iterator[tuple[str, dict]]:
    """Yield every node that has a `_target_`, wherever it is in a configuration, with its dotted key.

    Example:
        >>> list(nodes({"loss": {"_target_": "a.B"}, "betas": [0.9, [{"_target_": "c.D"}]]}))
        [('loss', {'_target_': 'a.B'}), ('betas.1.0', {'_target_': 'c.D'})]
    """
    if isinstance(value, dict) and "_target_" in value:
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in items:
        yield from nodes(item, f"{path}.{key}" if path else str(key))


def check_signature(path: str, node: dict) -> Callable:
    """Check one node, without the nodes among its arguments, and return the class or function that it names.

    Raises:
        ValueError: see `check_signatures`.
    """
    built = target(path, node["_target_"])
    if unknown := [key for key in node if str(key).startswith("_") and key not in NODE_KEYS]:
        raise ValueError(f"{path} must have none of Hydra's other keys than {' and '.join(NODE_KEYS)}; got {unknown[0]}")
    parameters = inspect.signature(built).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return built
    named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if missing := [name for name in BUILT_WITH.get(path, ()) if name not in named]:
        raise ValueError(
            f"{path}: {built.__name__} must take {' and '.join(missing)}, with which the {path} is built; "
            f"it takes {', '.join(named)}"
        )
    hints = _hints(built)
    for key, value in arguments(node).items():
        if key not in named:
            hint = nearest(str(key), [name for name in node if name in named]) or nearest(str(key), named)
            listed = f"; it takes {', '.join(named)}" if len(named) <= MANY or not hint else ""
            raise ValueError(f"{path}: {built.__name__} has no argument {key}{listed}{hint}")
        if key in hints and not fits(value, hints[key]):
            given = "null" if value is None else "''" if value == "" else value
            raise ValueError(
                f"{path}.{key} must be of type {_name(hints[key])}; got {given}"
                + (": write null" if str(value).lower() == "none" and isinstance(value, str) and fits(None, hints[key]) else "")
            )
    return built


def _hints(constructor: Callable) -> dict:
    """Return the type hints of a constructor; empty if a third party's annotations cannot be resolved."""
    try:
        return typing.get_type_hints(constructor.__init__ if inspect.isclass(constructor) else constructor)
    except (NameError, TypeError, AttributeError):
        return {}


def arguments(node: dict) -> dict:
    """Return the arguments of a component: what its node contains besides `_target_` and `_partial_`."""
    return {key: value for key, value in node.items() if key not in NODE_KEYS}


def fits(value: object, hint: object) -> bool:
    """Whether a value from YAML has the declared type; an integer is accepted as a float, and a component as any type.

    Example:
        >>> fits(3, float), fits("3", float), fits(None, float | None), fits(2.5, int)
        (True, False, True, False)
        >>> fits([1, 2], list[int]), fits([1, "D"], list[int]), fits([0.9, 0.99], tuple[float, float])
        (True, False, True)
    """
    if isinstance(value, dict):
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return True  # checked by the constructor itself, whose message lists the choices
    if isinstance(value, list):
        if origin is tuple and Ellipsis not in arguments:
            return len(value) == len(arguments) and all(map(fits, value, arguments))
        of = arguments[0] if arguments else typing.Any
        return (origin in (list, tuple, Sequence, Iterable) or hint in (list, tuple)) and all(fits(item, of) for item in value)
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

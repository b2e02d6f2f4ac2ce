"""Limits the size of a configuration after all references, such as `${timesteps}`, are replaced by their values."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

from omegaconf.base import Container, Node

MOST = 2_000  # references in a configuration
LARGEST = 100_000  # values that replace the references, all together
LONGEST = 10_000_000  # characters that replace the references, all together
METHODS = ("_resolve_node_interpolation", "_evaluate_custom_resolver")
"""Methods of OmegaConf, of which one is called for each reference: for `${key}`, and for `${resolver:…}`."""


class _Count:
    """Counts what has replaced references so far, in one value or within `counted`."""

    depth = 0
    references = 0
    values = 0
    characters = 0


@contextmanager
def counted() -> Iterator[None]:
    """Count together all references that are resolved inside, such as those of a whole configuration."""
    _Count.references = _Count.values = _Count.characters = 0
    _Count.depth += 1
    try:
        yield
    finally:
        _Count.depth -= 1


def limit_references() -> None:
    """Let OmegaConf raise an error for a value that becomes too large when its references are replaced.

    A value can contain another one twice, and that a third one twice, and so on: `a: ${b}${b}`, `b: ${c}${c}`. Thirty such
    lines become a gigabyte. OmegaConf has no limit, so the two methods that resolve a reference are replaced by counting ones.
    """
    for name in METHODS:
        method = getattr(Container, name)
        if not hasattr(method, "__wrapped__"):
            setattr(Container, name, _counting(method))


def _counting(method: Callable) -> Callable:
    @wraps(method)
    def count(*arguments: object, **named: object) -> object:
        with counted() if _Count.depth == 0 else _deeper():
            _add(references=1)
            found = method(*arguments, **named)
            _count_values(found)
            return found

    return count


@contextmanager
def _deeper() -> Iterator[None]:
    _Count.depth += 1
    try:
        yield
    finally:
        _Count.depth -= 1


def _count_values(found: object) -> None:
    """Count what replaces a reference: a text, or a mapping or list with all values in it, in which references are kept."""
    todo = [found]
    while todo:
        one = todo.pop()
        content = one._content if isinstance(one, Container) else one._value() if isinstance(one, Node) else one
        if isinstance(content, dict | list):
            _add(values=len(content))
            todo += content.values() if isinstance(content, dict) else content
        elif isinstance(content, str | bytes):
            _add(characters=len(content))


def _add(*, references: int = 0, values: int = 0, characters: int = 0) -> None:
    _Count.references += references
    _Count.values += values
    _Count.characters += characters
    for count, most, what in (
        (_Count.references, MOST, "references"),
        (_Count.values, LARGEST, "values"),
        (_Count.characters, LONGEST, "characters"),
    ):
        if count > most:
            raise ValueError(
                f"a configuration must have at most {most:,} {what}, with every reference such as ${{timesteps}} written out"
            )

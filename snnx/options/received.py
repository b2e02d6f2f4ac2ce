"""What an option, a sweep file or a row may not set, since it may come from somebody else."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from snnx.options.strict_yaml import Loader

COMMAND_LINE_ONLY = ("hydra", "force", "recorded", "outdated", "search", "tuned", "loaded")
"""Keys that only the command line and snnx itself set. They decide what is executed, kept and deleted."""
HEADER = re.compile(r"^#\s*@package\s+(\S+)", re.MULTILINE)
LARGEST = 100_000  # values of a YAML file, with every alias written out; aliases of aliases can make billions of a few lines


def check_option(path: Path) -> None:
    """Check the file of an option before Hydra reads it.

    Raises:
        ValueError: it sets a key of `COMMAND_LINE_ONLY`, is placed into Hydra's own configuration, is too large, or is no YAML.
    """
    text = path.read_text(encoding="utf-8")
    if (header := HEADER.search(text)) and "hydra" in header[1]:
        raise ValueError(f"{path}: @package must not be in Hydra's own configuration; got {header[1]}")
    try:
        content = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: must be YAML; {' '.join(str(error).split())}") from None
    check_content(content, str(path))


def check_content(content: object, place: str) -> None:
    """Check what a YAML file contains.

    Args:
        content: the parsed file.
        place: what to call it in messages.

    Raises:
        ValueError: see `check_option`.

    Example:
        >>> check_content({"hydra": {"callbacks": {}}}, "evil.yaml")
        Traceback (most recent call last):
        ValueError: evil.yaml: hydra must be set on the command line only: leave it out
        >>> check_content({"defaults": [{"override /hydra/launcher": "basic"}]}, "evil.yaml")
        Traceback (most recent call last):
        ValueError: evil.yaml: defaults must choose no option of Hydra itself; got override /hydra/launcher
    """
    check_size(content, place)
    if not isinstance(content, dict):
        return
    check_keys(map(str, content), place)
    defaults = content.get("defaults")
    for entry in defaults if isinstance(defaults, list) else ():
        for key in map(str, entry if isinstance(entry, dict) else [entry]):
            if "hydra" in key:
                raise ValueError(f"{place}: defaults must choose no option of Hydra itself; got {key}")


def check_size(content: object, place: str) -> None:
    """Check that a YAML file is not too large with every alias written out.

    Raises:
        ValueError: it has more than `LARGEST` values.
    """
    for count, _ in enumerate(_values(content)):
        if count == LARGEST:
            raise ValueError(f"{place}: must have at most {LARGEST:,} values, with every alias written out")


def check_keys(keys: Sequence[str] | Iterator[str], place: str) -> None:
    """Check keys that a file or a row sets, such as `neuron.tau`.

    Raises:
        ValueError: one of them is, or is below, a key of `COMMAND_LINE_ONLY`.

    Example:
        >>> check_keys(["neuron.tau", "hydra/launcher"], "row LIF")
        Traceback (most recent call last):
        ValueError: row LIF: hydra must be set on the command line only: leave it out
    """
    for key in keys:
        first = re.split(r"[./@]", key.lstrip("+~/ "))[0]
        if first in COMMAND_LINE_ONLY:
            raise ValueError(f"{place}: {first} must be set on the command line only: leave it out")


def _values(content: object) -> Iterator[object]:
    """Yield every value of a parsed YAML file; a value with several aliases is yielded for each of them."""
    yield content
    for item in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _values(item)

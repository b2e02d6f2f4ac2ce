"""Checks that an option, a sweep file or a row, which may come from somebody else, sets no forbidden key."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from snnx.options.read_text import read_text
from snnx.options.strict_yaml import LARGEST, load, why

COMMAND_LINE_ONLY = ("hydra", "force", "recorded", "outdated", "search", "tuned", "loaded", "label")
"""Keys that only the command line and snnx itself set. They decide what is executed, kept and deleted, and where files lie."""
HEADER = re.compile(r"\s*#+\s*@package\s+(\S+)")
"""Matches lines that Hydra may read as the header of an option. It uses the last one, even if it does not begin with `#`."""
CHOICE = re.compile(r"\$\{\w+\}")
"""Only a whole word such as `${neuron}` is allowed in `defaults`. A text with more around it could expand to any name."""
KEY = re.compile(r"[+~]{0,2}[A-Za-z_][A-Za-z0-9_./]*")
"""The form of a key. Anything else, such as `--config-dir`, could become an option of a command that it is written into."""


def check_option(path: Path) -> None:
    """Check the file of an option before Hydra reads it.

    Raises:
        ValueError: it sets a key of `COMMAND_LINE_ONLY`, is placed into Hydra's own configuration, is too large, or is no YAML
            of the form KEY: VALUE; see also `read_text`.
    """
    written = read_text(path)
    for header in filter(None, map(HEADER.match, written.splitlines())):
        check_package(header[1], str(path))
    try:
        content = load(written)
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: must be YAML; {why(error)}") from None
    if content is not None and not isinstance(content, dict):
        kind = "text" if isinstance(content, str) else type(content).__name__  # a link may lead to a file with secrets
        raise ValueError(f"{path}: must be YAML with a line KEY: VALUE for each setting; got a {kind}")
    check_content(content, str(path))


def check_package(package: str, place: str) -> None:
    """Check where the header of an option places its values.

    Raises:
        ValueError: this is in Hydra's own configuration.

    Example:
        >>> check_package("_global_.hydra.callbacks", "evil.yaml")
        Traceback (most recent call last):
        ValueError: evil.yaml: @package must not be in Hydra's own configuration; got _global_.hydra.callbacks
    """
    if "hydra" in package:
        raise ValueError(f"{place}: @package must not be in Hydra's own configuration; got {package}")


def check_content(content: object, place: str) -> None:
    """Check what a YAML file contains.

    Args:
        content: the parsed file.
        place: name of the file or row in messages.

    Raises:
        ValueError: see `check_option`.

    Example:
        >>> check_content({"hydra": {"callbacks": {}}}, "evil.yaml")
        Traceback (most recent call last):
        ValueError: evil.yaml: hydra must be set on the command line only: leave it out
        >>> check_content({"defaults": [{"override /hydra/launcher": "basic"}]}, "evil.yaml")
        Traceback (most recent call last):
        ValueError: evil.yaml: defaults must choose no option of Hydra itself; got override /hydra/launcher
        >>> check_content({"defaults": [{"/neuron": "../../evil"}]}, "evil.yaml")
        Traceback (most recent call last):
        ValueError: evil.yaml: defaults must name options in the folders of conf; got ../../evil
    """
    check_size(content, place)
    if not isinstance(content, dict):
        return
    check_keys(map(str, content), place)
    if not isinstance(content.get("defaults", []), list):  # a text such as ${other} could be replaced by any list
        raise ValueError(f"{place}: defaults must be a list; got {content['defaults']}")
    for word in (str(value) for value in _values(content.get("defaults"), keys=True) if not isinstance(value, dict | list)):
        if "hydra" in word:
            raise ValueError(f"{place}: defaults must choose no option of Hydra itself; got {word}")
        if ".." in word.split("/"):
            raise ValueError(f"{place}: defaults must name options in the folders of conf; got {word}")
        if "${" in word and not CHOICE.fullmatch(word):
            raise ValueError(f"{place}: defaults must be plain names; got {word}")


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
        ValueError: a key is, or is below, one of `COMMAND_LINE_ONLY`, or has a package, as in `neuron@hydra.callbacks`, by
            which an option can be placed anywhere, or is not of the form `KEY`.

    Example:
        >>> check_keys(["neuron.tau", "hydra/launcher"], "row LIF")
        Traceback (most recent call last):
        ValueError: row LIF: hydra must be set on the command line only: leave it out
    """
    for key in keys:
        first = re.split(r"[./@]", key.strip().lstrip("+~/ "))[0].strip()
        if first in COMMAND_LINE_ONLY:
            raise ValueError(f"{place}: {first} must be set on the command line only: leave it out")
        if "@" in key:
            raise ValueError(f"{place}: a key must have no @PACKAGE, which is for the command line only; got {key}")
        if not KEY.fullmatch(key.strip()):
            raise ValueError(f"{place}: a key must consist of letters, digits and _, as in neuron.tau; got {key}")


def _values(content: object, *, keys: bool = False) -> Iterator[object]:
    """Yield every value of a parsed YAML file, with `keys` also the keys of its mappings.

    A value with several aliases is yielded for each of them; a value that contains itself is yielded without end.
    """
    todo = [content]
    while todo:
        value = todo.pop()
        yield value
        if isinstance(value, dict):
            todo += [*(value if keys else ()), *value.values()]
        elif isinstance(value, list | tuple | set):
            todo += value

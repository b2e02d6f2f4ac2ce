"""Reads the settings that the files of options and sweeps state for a run, without Hydra."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import yaml

from snnx.options.chosen_options import by_group, choices, defaults
from snnx.options.files import files, is_group
from snnx.options.left_over import replaced
from snnx.options.read_text import read_text
from snnx.options.strict_yaml import load, why
from snnx.record.identity import LOADED, leaves

FOR_HYDRA = ("defaults", "hydra", "sweep")
"""Keys of a recipe or a sweep file that set no value of a run."""
ALL_GROUPS = ("recipe", "sweep", "row", "scale")
"""Groups whose options set values of other groups."""
VALUE = re.compile(
    r"null|true|false|[-+]?(0|[1-9]\d*)(\.\d*)?([eE][-+]?\d+)?|(?!(on|off|yes|no|y|n|inf|nan)\b)[a-z_]\w*", re.IGNORECASE
)
"""Matches a value that Hydra and YAML read in the same way; others, such as `on` or `010`, are not compared."""


class Settings(NamedTuple):
    """The settings that files give a run."""

    values: dict[str, object]
    """The values, by dotted key; `null` for a group without an option."""
    groups: frozenset[str]
    """The groups of which all keys are in `values` or `unknown`."""
    unknown: frozenset[str]
    """Keys whose value only Hydra knows, because it refers to others, or that the command line sets."""


class Stated:
    """Reads the settings that the files give the runs of a sweep today; each file is read once.

    Args:
        sweep: the content of the sweep file; empty for runs without one.

    Raises:
        ValueError: a file of an option is no valid YAML.

    Example:
        >>> found = Stated({"neuron": {"tau": 3.0}}).settings(["timesteps=8"], ["neuron=plif", "optimizer.lr=0.1"])
        >>> found.values["neuron._target_"], found.values["neuron.tau"], found.values["timesteps"], found.values["init"]
        ('snnx.neuron.plif.PLIF', 3.0, 8, None)
        >>> "neuron" in found.groups, "optimizer.lr" in found.unknown
        (True, True)
    """

    def __init__(self, sweep: Mapping) -> None:
        self._sweep = sweep
        self._defaults = defaults()
        self._files, self._content, self._is_group = cache(files), cache(self._read), cache(is_group)

    def settings(self, row: Sequence[str], words: Sequence[str]) -> Settings:
        """Return what the files state for a run, in the order in which Hydra applies them.

        These are the chosen options, the recipe, the sweep file, the row and the scale. Nothing is
        returned if the defaults of the recipe or of the sweep file do more than choose options. The group of an option that
        extends another one is left out.

        Args:
            row: the settings of the run's row.
            words: the words of its command line.
        """
        if not _only_chooses(self._sweep):
            return Settings({}, frozenset(), frozenset())
        first = {**choices(self._sweep), **by_group(row), **by_group(words)}
        recipe, scale = self._content("recipe", first.get("recipe")), self._content("scale", first.get("scale", "paper"))
        if not _only_chooses(recipe) or not _only_chooses(scale):
            return Settings({}, frozenset(), frozenset())
        chosen = {**self._defaults, **choices(recipe), **first}
        found: dict[str, object] = {}
        known = set()
        for group, option in chosen.items():
            if group in ALL_GROUPS or not self._is_group(group):
                continue
            contents = [self._content(group, name) for name in _names(option)]
            if all(content and "defaults" not in content for content in contents):
                known.add(group)
                found |= {f"{group}.{key}": value for content in contents for key, value in leaves(content)}
                found |= {} if contents else {group: None}
        unused = replaced((recipe, self._sweep), chosen, self._defaults, self._keys)
        for body in (recipe, self._sweep):
            made = {key: value for key, value in leaves(_settings(body)) if tuple(key.split(".")[:2]) not in unused}
            _put(found, made)
        unknown = {*LOADED, "seed"}
        for key, written in (word.lstrip("+~").partition("=")[::2] for word in row):
            if not self._is_group(key):
                value = _value(written)
                unknown |= {key} if value is Ellipsis else set()
                _put(found, {} if value is Ellipsis else {key: value})
        _put(found, dict(leaves(_settings(scale))))
        unknown |= {key for key in (word.lstrip("+~").partition("=")[0] for word in words) if not self._is_group(key)}
        unknown |= {key for key, value in found.items() if "${" in str(value)}
        return Settings(found, frozenset(known), frozenset(unknown))

    def _keys(self, group: str, option: str | list | None) -> set[str]:
        """Return the keys of the chosen option of a group, or of all its chosen options."""
        return {key for name in _names(option) for key in self._content(group, name)}

    def _read(self, group: str, name: str | None) -> Mapping:
        """Return the content of an option's file; empty if there is no such option."""
        path = self._files(group).get(name) if name else None
        try:
            content = load(read_text(path)) if path else None
        except yaml.YAMLError as error:
            raise ValueError(f"{path} must be valid YAML; {why(error)}") from None
        return content if isinstance(content, dict) else {}


def _put(found: dict[str, object], values: Mapping[str, object]) -> None:
    """Set values, each in place of what was set at its key, below it or above it."""
    for key, value in values.items():
        for old in [old for old in found if f"{old}.".startswith(f"{key}.") or f"{key}.".startswith(f"{old}.")]:
            del found[old]
        found[key] = value


def _only_chooses(body: Mapping) -> bool:
    """Whether the defaults of a recipe or a sweep file are of the form `override /neuron: lif` only."""
    entries = body.get("defaults") or []
    return isinstance(entries, list) and all(
        isinstance(entry, dict)
        and all(re.fullmatch(r"override /[\w/]+", str(key)) and _is_choice(entry[key], key.rpartition("/")[2]) for key in entry)
        for entry in entries
        if entry != "_self_"
    )


def _is_choice(option: object, group: str) -> bool:
    several = option if isinstance(option, list) and group not in ALL_GROUPS else [option]
    return all(name is None or isinstance(name, str) for name in several)


def _settings(body: Mapping) -> dict:
    return {key: value for key, value in body.items() if key not in FOR_HYDRA}


def _value(written: str) -> object:
    """Return the value of a word, or `...` if it is written in a form that only Hydra reads."""
    inside = written[1:-1] if written.startswith("[") and written.endswith("]") else written
    if not all(VALUE.fullmatch(part.strip()) for part in inside.split(",")):
        return ... if inside.strip() or inside == written else []
    return load(written) if inside != written or "," not in written else ...


def _names(option: str | list | None) -> Iterator[str]:
    """Yield the names in `lif` or in `[firing_rate, energy]`."""
    for name in option if isinstance(option, list) else str(option or "").strip("[] ").split(","):
        if str(name).strip():
            yield str(name).strip()

"""Reads the settings that the files of options and sweeps state for a run, without Hydra."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import yaml

from snnx.options.chosen_options import by_group, choices, defaults
from snnx.options.files import files, is_group
from snnx.options.strict_yaml import load
from snnx.options.text import text
from snnx.record.identity import leaves

FOR_HYDRA = ("defaults", "hydra", "sweep")
"""Keys of a recipe or a sweep file that set no value of a run."""
ALL_GROUPS = ("recipe", "sweep", "row", "scale")
"""Groups whose options set values of other groups."""


class Stated:
    """What the files of options state now for the runs of a sweep; each file is read once.

    Args:
        sweep: the content of the sweep file; empty for runs without one.

    Raises:
        ValueError: a file of an option is no valid YAML.

    Example:
        >>> found = Stated({"neuron": {"tau": 3.0}}).values(["timesteps=8"], ["neuron=plif", "optimizer.lr=0.1"])
        >>> found["neuron._target_"], found["neuron.tau"], found["timesteps"], "optimizer.lr" in found
        ('snnx.neuron.plif.PLIF', 3.0, 8, False)
    """

    def __init__(self, sweep: Mapping) -> None:
        self._sweep = sweep
        self._defaults = defaults()
        self._files, self._content = cache(files), cache(self._read)

    def values(self, row: Sequence[str], words: Sequence[str]) -> dict[str, object]:
        """Return the values that files state for a run, by dotted key, in the order in which Hydra applies the files.

        The files are those of the chosen options, the recipe, the sweep file with the row, and the scale. Left out are keys
        that the command line sets, values that refer to others, and values in Hydra's own syntax.

        Args:
            row: the settings of the run's row.
            words: the words of its command line.
        """
        first = {**choices(self._sweep), **by_group(row), **by_group(words)}
        recipe = self._content("recipe", first.get("recipe"))
        chosen = {**self._defaults, **choices(recipe), **first}
        found: dict[str, object] = {}
        for group, option in chosen.items():
            if group not in ALL_GROUPS:
                for name in _names(option):
                    found |= {f"{group}.{key}": value for key, value in leaves(self._content(group, name))}
        made_for = dict(self._defaults)
        for body in (recipe, self._sweep):
            made_for |= choices(body)
            found |= self._still_meant(body, made_for, chosen)
        found |= dict(_values(row))
        found |= dict(leaves(_settings(self._content("scale", chosen.get("scale")))))
        overridden = {key for key in (word.lstrip("+~").partition("=")[0] for word in words) if not is_group(key)}
        return {key: value for key, value in found.items() if "${" not in str(value) and not _is_below(key, overridden)}

    def _still_meant(self, body: Mapping, made_for: Mapping, chosen: Mapping) -> dict[str, object]:
        """Return the settings of a recipe or a sweep file, without those for an option that was replaced by another one."""
        found = {}
        for key, value in leaves(_settings(body)):
            group, _, inner = key.partition(".")
            kept = made_for.get(group) == chosen.get(group) or not is_group(group)
            if kept or any(inner.partition(".")[0] in self._content(group, name) for name in _names(chosen.get(group))):
                found[key] = value
        return found

    def _read(self, group: str, name: str | None) -> Mapping:
        """Return the content of an option's file; empty if there is no such option."""
        path = self._files(group).get(name) if isinstance(name, str) else None
        try:
            content = load(text(path)) if path else None
        except yaml.YAMLError as error:
            raise ValueError(f"{path} must be valid YAML; {' '.join(str(error).split())}") from None
        return content if isinstance(content, dict) else {}


def _settings(body: Mapping) -> dict:
    return {key: value for key, value in body.items() if key not in FOR_HYDRA}


def _values(row: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Yield the settings of a row that set a value, and do not choose an option."""
    for word in row:
        key, _, written = word.lstrip("+~").partition("=")
        if not is_group(key):
            try:
                yield from leaves({key: load(written)})
            except yaml.YAMLError:  # Hydra's own syntax, such as a choice
                continue


def _names(option: str | list | None) -> list[str]:
    """Return the names in `lif` or in `[firing_rate, energy]`."""
    if option is None:
        return []
    try:
        found = option if isinstance(option, list) else load(option)
    except yaml.YAMLError:
        return []
    return [str(name) for name in (found if isinstance(found, list) else [found])]


def _is_below(key: str, others: set[str]) -> bool:
    """Whether a key or one above it is among others."""
    parts = key.split(".")
    return any(".".join(parts[: depth + 1]) in others for depth in range(len(parts)))

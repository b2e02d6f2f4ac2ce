"""Which runs of a row have other settings than the sweep file now gives the row."""

from collections.abc import Mapping

import yaml

from snnx.options.files import files, is_group
from snnx.options.row import Row
from snnx.options.strict_yaml import load
from snnx.record.identity import leaves


def changed(row: Row, result: Mapping) -> list[str]:
    """List the settings that the row has in its sweep file and that a run of it had otherwise, as `neuron.tau: 2.0 → 4.0`.

    Settings that the run's command line overrode are not compared, nor those that are not part of a run's identity, such as
    `logger`. A default or a recipe that has changed is not noticed: that needs Hydra, so `snnx status` and the sweep say it.

    Args:
        row: the row of the sweep file.
        result: the run's result; one without `physics` gives nothing.

    Example:
        >>> from snnx.options.row import row_of
        >>> row = row_of("LIF", {"set": ["neuron=lif", "neuron.tau=4"]}, "test/acc", "mine.yaml")
        >>> changed(row, {"physics": {"neuron": {"_target_": "snnx.neuron.lif.LIF", "tau": 2.0}}, "overrides": []})
        ['neuron.tau: 2.0 → 4']
        >>> changed(row, {"physics": {"neuron": {"_target_": "snnx.neuron.if_.IF", "tau": 4.0}}, "overrides": []})
        ['neuron: snnx.neuron.if_.IF → lif']
    """
    had = dict(leaves(result.get("physics") or {}))
    given = {word.lstrip("+~").partition("=")[0] for word in result.get("overrides") or ()}
    found = []
    for word in row.overrides or ():
        key, _, text = word.lstrip("+~").partition("=")
        if key in given or any(key.startswith(f"{other}.") for other in given):
            continue
        if is_group(key):
            target = _target(key, text)
            if target and (old := had.get(f"{key}._target_")) not in (None, target):
                found.append(f"{key}: {old} → {text}")
        elif key in had and _plain(had[key]) != _plain(new := _value(text)):
            found.append(f"{key}: {had[key]} → {new}")
    return found


def _target(group: str, option: str) -> str | None:
    """Return the class of an option; `None` if the group has no such option or if the option takes its class from another."""
    path = files(group).get(option)
    content = load(path.read_text(encoding="utf-8")) if path else None
    return content.get("_target_") if isinstance(content, dict) else None


def _value(text: str) -> object:
    try:
        return load(text)
    except yaml.YAMLError:  # a form of Hydra's own, such as a choice; the sweep reads it
        return text


def _plain(value: object) -> object:
    """Make 4 and 4.0 equal, and a list and its text too."""
    return [_plain(item) for item in value] if isinstance(value, list) else float(value) if type(value) is int else value

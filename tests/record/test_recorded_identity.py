"""The runs in the committed record keep their identities: their configuration still gives the hash that was recorded."""

import json
from functools import cache
from pathlib import Path

import pytest
import yaml
from composing import composed, composed_together

from snnx.options.files import files
from snnx.record import identity
from snnx.record.identity import changes, run_id

DOCS = Path(__file__).parents[2] / "docs" / "results"
SWEEPS = sorted(path.parent.name for path in DOCS.glob("*/runs.jsonl"))
DRIFT = yaml.safe_load((Path(__file__).parent / "drift.yaml").read_text(encoding="utf-8"))
"""Recorded rows whose overrides give another configuration today, since a recipe or a default has changed.

By sweep: `why`, and in `found` each set of differences from the recorded configuration with the rows that have it.
"""


@cache
def lines(sweep):
    return [json.loads(line) for line in (DOCS / sweep / "runs.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("sweep", SWEEPS)
def test_recorded_hash_is_that_of_the_recorded_physics(sweep):
    for line in lines(sweep):
        assert run_id(line["physics"]) == line["hash"], f"{line['row']} seed={line['seed']}"


@pytest.mark.slow
@pytest.mark.parametrize("sweep", SWEEPS)
def test_recorded_overrides_give_the_same_configuration_today(sweep):
    """The first seed of each recorded row is composed again from its overrides; a changed default or recipe fails here."""
    once = {(line["row"], line["scale"], line.get("further")): line for line in reversed(lines(sweep))}
    found = {}
    today = composed_today(once.values())
    for key in sorted(once, key=str):
        if differences := drift(once[key], today[id(once[key])]):
            found.setdefault(tuple(differences), []).append(" ".join(part for part in key if part))
    expected = {tuple(entry["differences"]): entry["rows"] for entry in DRIFT.get(sweep, {}).get("found", ())}
    assert found == expected, "if the change is meant, write it to drift.yaml with the reason"


def test_every_drift_is_explained():
    assert set(DRIFT) <= set(SWEEPS)
    assert all(set(entry) == {"why", "found"} and entry["why"] and entry["found"] for entry in DRIFT.values())


def composed_today(recorded):
    """What the overrides of recorded runs give today, by run: a job, or the message that refuses them."""
    alike, today = {}, {}
    for line in recorded:
        words = [word for word in line["overrides"] if word.split("=")[0] not in ("force", "recorded", "outdated")]
        own = [word for word in words if word.startswith(("row=", "seed="))]
        alike.setdefault(tuple(word for word in words if word not in own), []).append((line, own))
    for shared, runs in alike.items():
        try:
            found = composed_together(shared, [own for _, own in runs])
        except ValueError as error:  # such as an override of a key that the rows of the sweep set today
            found = [str(error)] * len(runs)
        today |= {id(line): made for (line, _), made in zip(runs, found, strict=True)}
    return today


def drift(line, now):
    """How the configuration that a recorded run's overrides give today differs from the recorded one; empty if it does not."""
    if isinstance(now, str):
        return [now]
    return [] if now.id == line["hash"] else changes(line["physics"], now.config)


def test_a_key_that_was_added_later_does_not_change_older_identities(monkeypatch):
    before = {"seed": 0, "backbone": {"depth": 18}}
    monkeypatch.setattr(identity, "ADDED", {"backbone.norm": "batch", "norm": {"eps": 1}})
    assert run_id({**before, "backbone": {"depth": 18, "norm": "batch"}, "norm": {"eps": 1.0}}) == run_id(before)
    assert run_id({**before, "backbone": {"depth": 18, "norm": "none"}}) != run_id(before)
    assert run_id({**before, "norm": {"eps": 2}}) != run_id(before)


def test_a_key_of_a_metric_that_was_added_later_does_not_change_older_identities(monkeypatch):
    before = {"seed": 0, "metric": {"anytime": {"every": 1}}}
    monkeypatch.setattr(identity, "ADDED", {"metric.anytime.marks": [1, 2]})
    assert run_id({"seed": 0, "metric": {"anytime": {"every": 1, "marks": [1, 2.0]}}}) == run_id(before)
    assert run_id({"seed": 0, "metric": {"anytime": {"every": 1, "marks": [1]}}}) != run_id(before)


CHANGED = {"encoding.channels": {"conv_direct": 8}}
"""Values of keys in `ADDED` that options have today, where these changed after the key was added; see CHANGELOG.md.

Runs from before the key, and runs that set the old value, keep their identity; runs with the new one have another.
"""


@pytest.mark.parametrize("key", sorted(identity.ADDED) or [None])
def test_every_added_key_exists_in_the_configuration_with_its_value(key):
    """A wrong value would rename the runs from before the key; an entry without its key or group would have no effect."""
    if key is not None:
        group, *path = key.split(".")
        if path:
            options = {name: yaml.safe_load(file.read_text(encoding="utf-8")) for name, file in files(group).items()}
            options["the default"] = composed().config[group]
            found = {name: value for name, option in options.items() for value in values(option, path)}
            assert found
            others = {name: value for name, value in found.items() if value != identity.ADDED[key]}
            assert others == CHANGED.get(key, {}), "if the change is meant, write it to CHANGED and to CHANGELOG.md"
        else:
            assert group not in identity.physics(composed().config)


def test_every_changed_value_is_of_an_added_key():
    assert set(CHANGED) <= set(identity.ADDED)


def values(options, path):
    """The value of nested options at this path, in a list; an empty one if they have no such key."""
    first, *rest = path
    if not isinstance(options, dict) or first not in options:
        return []
    return values(options[first], rest) if rest else [options[first]]

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


@pytest.mark.parametrize("key", sorted(identity.ADDED) or [None])
def test_every_added_key_exists_in_the_configuration(key):
    """An entry whose key no longer exists, or whose group has another default, would have no effect and mislead readers."""
    if key is not None:
        group, *path = key.split(".")
        if path:
            options = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files(group).values()]
            assert has(composed().config, [group, *path]) or any(has(option, path) for option in options)
        else:
            assert group not in identity.physics(composed().config)


def has(options, path):
    """Whether nested options have a key at this path."""
    first, *rest = path
    return isinstance(options, dict) and first in options and (not rest or has(options[first], rest))

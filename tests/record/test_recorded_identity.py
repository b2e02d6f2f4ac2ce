"""The runs in the committed record keep their identities: their configuration still gives the hash that was recorded."""

import json
from functools import cache
from pathlib import Path

import pytest
import yaml
from composing import composed

from snnx.options.files import files
from snnx.record import identity
from snnx.record.identity import changes, run_id

DOCS = Path(__file__).parents[2] / "docs" / "results"
SWEEPS = sorted(path.parent.name for path in DOCS.glob("*/runs.jsonl"))
CALIBRATION = "the scales of converted networks are those of the whole training set; in the records, of 1,000 samples"
SPIKFORMER = (
    "the augmentation is that of Spikformer's code, which leaves half of the images unchanged; in the records, RandAugment"
)
COMPUTES_SOMETHING_ELSE: dict[str, str] = {
    "ds2ta_ablation_window_decay_threshold": SPIKFORMER,
    "ds2ta_table3_sparsity": SPIKFORMER,
    "ds2ta_table4_ablation": SPIKFORMER,
    "fut_fig2_timesteps": CALIBRATION,
    "fut_table1_direct_vs_conversion": CALIBRATION,
}
"""Sweeps whose recorded overrides give another configuration today, since a recipe or a default has changed; each with why."""


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
    found = []
    for line in once.values():
        words = [word for word in line["overrides"] if word.split("=")[0] not in ("force", "recorded", "outdated")]
        now = composed(*words)
        if now.id != line["hash"]:
            found.append(f"{line['row']} seed={line['seed']}: {', '.join(changes(line['physics'], now.config)[:3])}")
    assert bool(found) == (sweep in COMPUTES_SOMETHING_ELSE), found or "all rows match again: remove the sweep from the list"


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
    """An entry whose key no longer exists, or whose value is not the default, would have no effect and mislead readers."""
    if key is not None:
        group, *path = key.split(".")
        if path:
            assert any(has(yaml.safe_load(file.read_text(encoding="utf-8")), path) for file in files(group).values())
        else:
            assert composed().config[group] == identity.ADDED[key]


def has(options, path):
    """Whether nested options have a key at this path."""
    first, *rest = path
    return isinstance(options, dict) and first in options and (not rest or has(options[first], rest))

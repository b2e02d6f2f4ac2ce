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
DTST = [f"dtst_fig{figure}" for figure in ("10_neurons", "11_encodings", "12_surrogates", "13_datasets", "14_17_metrics")]
P_READOUT = "the recipe reads the potential P, as the authors' training does; the records read W + P"
ETTFS_RATE = "the recipe's rate is 0.01, and it has 100 epochs; the records have 0.001 and 20"
CALIBRATION = "the scales of converted networks are those of the whole training set; in the records, of 1,000 samples"
SPIKFORMER = (
    "the augmentation is that of Spikformer's code, which leaves half of the images unchanged; in the records, RandAugment"
)
COMPUTES_SOMETHING_ELSE: dict[str, str] = {
    "dta_fig5_6_threshold": P_READOUT,
    "dta_fig8_hardware": P_READOUT,
    "dta_mnist_gap": P_READOUT,
    "dta_table1_accuracy": P_READOUT,
    **dict.fromkeys(DTST, "the neurons have the form of Eq 1, whose input is not multiplied; in the records it is"),
    "ettfs_fig1_2_5_init": ETTFS_RATE + "; nothing is trained, so the numbers are the same",
    "ettfs_fig4_depth": ETTFS_RATE,
    "ettfs_learning_rate": "some runs were started from the recipe itself, which has 100 epochs; their rows give the same hash",
    "ettfs_pooling_compensation": ETTFS_RATE + "; the lines without training differ in nothing else",
    "ettfs_table1_mnist": ETTFS_RATE,
    "ettfs_table2_fashion_mnist": ETTFS_RATE,
    "ettfs_table3_ablation": ETTFS_RATE,
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
        try:
            now = composed(*words)
        except ValueError as error:  # such as an override of a key that the rows of the sweep set today
            found.append(f"{line['row']} seed={line['seed']}: {error}")
            continue
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
    """An entry whose key no longer exists, or whose group has another default, would have no effect and mislead readers."""
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

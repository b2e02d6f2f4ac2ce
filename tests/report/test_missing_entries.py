"""A result that lacks an entry, or has null for it, ends neither a report nor a status of the other runs of its sweep."""

import copy
import fcntl
import json
from collections.abc import Iterator

import numpy as np
import pytest

from snnx.command import status
from snnx.dashboard.chart_data import chart_data, curves
from snnx.dashboard.run_table import counts, runs
from snnx.options.sweepfile import sweep_named
from snnx.record.confirmed import code_state
from snnx.record.correctness import pack
from snnx.record.form import FORM, wrong_form
from snnx.record.summary import summary
from snnx.report.board import boards
from snnx.report.data.runs import collect
from snnx.report.pages import card, latex
from snnx.report.pages.committed import entry
from snnx.report.pages.html import page
from snnx.report.pages.markdown import document
from snnx.report.results import work_out
from snnx.report.tables.comma_separated import comma_separated
from snnx.report.tables.numbers import metrics

NAME = "dtst_fig10_neurons"
LIF = {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "tau": 2.0}
OF_CODE = ("physics", "code", "confirmed", "overrides", "built", "group")
"""Entries by which runs are compared with the present code and options. Without `physics` they are not, which saves time."""
CORRECT = pack(np.array([1, 1, 0, 1, 0, 1, 1, 0]))


@pytest.fixture
def whole(done):
    """A result with every entry that a result can have."""

    def made(row: str, seed: int) -> dict:
        facts = done(row, seed, 0.625) | {
            "physics": {"dataset": {"_target_": "snnx.dataset.digits.Digits"}, "neuron": LIF, "method": {}, "seed": seed},
            "overrides": [f"sweep={NAME}", f"row={row}", f"seed={seed}", "scale=small"], "sweep": NAME, "further": "",
            "code": "0123456789abcdef", "confirmed": {"by": "10 first losses", "code": "ab", "git": {"commit": "c"}},
            "data": {"name": "digits", "train": 8, "val": 8, "test": 8, "chance": 0.25, "content": "c", "skipped": {"x": 1}},
            "answers": {
                part: {"samples": 8, "identity": "i", "correct": {f"{part}/acc": CORRECT}, "clusters": [0, 0, 1, 1, 2, 2, 3, 3]}
                for part in ("val", "test")
            },
            "layers": {
                "firing_rate": {"test": {"sn1": [0.1, 0.2]}, "correct": {"sn1": [0.1, 0.2]}},
                "anytime_step": {"test": {"t": [1, 2]}}, "anytime_acc": {"test": {"t": [0.5, 0.625]}},
            },
            "samples": {"correct": 0, "wrong": None}, "paths": {"x": "y"}, "built": {"tau": {"sn1": 2.0}},
            "exact": ["parameters"], "formulas": {"test/energy_45nm_uj": "a"}, "first_losses": [2.3, 2.2],
            "warnings": ["no layer of neurons fired in the test"], "resumed": [1], "trained_by": "ab" * 8,
            "before_s": 1.0, "fit_s": 30.0, "peak_memory_mb": 10.0, "gpu_peak_memory_mb": 10.0,
            "error": {"type": "x", "message": "y"}, "weights": "ab",
            "audit": {"started": "2026-11-22T11:00:00", "findings": [{"check": "order", "outcome": "failed", "text": "t"}]},
            "tuned": {
                "trials": 2, "pruned": 0, "failed": 0, "epochs": 1, "seeds": 1, "values": {"neuron.tau": 2.0}, "val/acc": 0.5,
                "at_edge": {"neuron.tau": "1 to 2"},
                "front": [{"values": {"neuron.tau": 2.0}, "objectives": {"val/acc": 0.5, "test/spikes": 1.0}}],
            },
        }  # fmt: skip
        measured = ("latency_steps", "spikes_in_total", "energy_45nm_uj", "spikes_per_neuron")
        facts["metrics"] |= {f"test/{name}": 4.0 for name in measured}
        return facts

    return made


def variants(value: dict, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of a nested mapping, as the path to it."""
    for key, inner in value.items():
        yield (*path, key)
        if isinstance(inner, dict):
            yield from variants(inner, (*path, key))


def changed(facts: dict, path: tuple[str, ...], *, null: bool) -> dict:
    facts = copy.deepcopy(facts)
    inner = facts
    for key in path[:-1]:
        inner = inner[key]
    if null:
        inner[path[-1]] = None
    else:
        del inner[path[-1]]
    return facts


def test_the_result_has_every_entry_of_the_form(whole):
    assert wrong_form(whole("PLIF", 0)) is None
    assert set(FORM) <= set(whole("PLIF", 0))


def show(outputs, docs) -> None:
    """Everything that reads results, except the drawing of figures."""
    found = collect(NAME, outputs, docs)
    results = work_out(sweep_named(NAME), found)
    shown = [results.tables, results.claims, results.notes, results.provenance, results.layers, results.command]
    shown += [comma_separated(results.sweep, results.lines), latex.document(results), card.document(results)]
    shown += [chart_data(results, outputs), [curves(run, outputs) for run in found]]
    made = boards(results.sweep, found)
    shown += [runs(made, metrics(results.sweep), {}), [counts(board) for board in made]]
    shown += [entry(run, NAME) for run in found if run.terminal]
    for run in (run for run in found if run.state == "done"):
        shown += [code_state(run.result), summary({**run.result, "before": True})]
    values = {run.row: run.result["metrics"]["val/acc"] for run in found if run.seed == 1 and run.state == "done"}
    assert values == {"PLIF": 0.625, "LIF": 0.625}, "the other runs are there"


@pytest.mark.parametrize("of_code", [False, True])
def test_one_entry_that_is_missing_concerns_its_run_only(of_code, whole, leave, outputs, docs, capsys):
    """A run of this machine lacks it, and one of the record has null; beside them are two whole runs and one that is active."""
    mine, theirs, *others = (whole(row, seed) for seed in (0, 1) for row in ("PLIF", "LIF"))
    if not of_code:
        for facts in (mine, theirs, *others):
            del facts["physics"]
    folder = leave(NAME, "PLIF,seed=0,scale=small", mine)
    leave(NAME, "PLIF,seed=1,scale=small", others[0])
    running = leave(NAME, "IF,seed=0,scale=small", None, hash="1" * 16)
    (running / "progress.json").write_text('{"done": 0.5, "epoch": 1, "epochs": 2, "left_s": 1}')
    record = docs / NAME / "runs.jsonl"
    record.parent.mkdir(parents=True)
    wrong = {}
    with (running / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for path in (path for path in variants(mine) if (path[0] in OF_CODE) == of_code):
            (folder / "result.json").write_text(json.dumps(changed(mine, path, null=False)))
            lines = (changed(theirs, path, null=True), others[1])
            record.write_text("".join(json.dumps(line) + "\n" for line in lines))
            try:
                show(outputs, docs)
                if len(path) == 1:
                    assert status.main([NAME, "--outputs", str(outputs), "--docs", str(docs)]) == 0, capsys.readouterr().err
            except Exception as error:  # collected, so that all such entries are named and not only the first
                wrong[".".join(path)] = f"{type(error).__name__}: {error}"
    assert not wrong


ODD = {
    "a map that is no square": {"attention_map": {"correct": {"a": [0.1, 0.2, 0.3]}}},
    "two maps": {"attention_map": {"correct": {"a": [0.1], "b": [0.2]}}},
    "a histogram with other bins": {"potential_histogram": {"test": {"a": [0.5, 0.5]}}},
    "steps without values": {"anytime_step": {"test": {"t": [1, None]}}, "anytime_synops": {"test": {"t": [1.0, None]}}},
    "a table without rows": {"denoiser_table": {}},
}


@pytest.mark.parametrize("layers", ODD.values(), ids=ODD)
def test_curves_of_another_form_end_no_report(layers, whole, leave, outputs, docs):
    odd = whole("PLIF", 0)
    odd["layers"] |= layers
    leave(NAME, "PLIF,seed=0,scale=small", odd)
    leave(NAME, "LIF,seed=0,scale=small", whole("LIF", 0))
    results = work_out(sweep_named(NAME), collect(NAME, outputs, docs))
    text = document(results)
    assert [plot.name for plot in results.plots][:1] == ["curves"]
    assert all("cannot be drawn, because a result has other values: " in told and told in text for told in results.undrawn)
    assert page(results)


def test_a_formula_in_a_label_ends_no_report(whole, leave, outputs, docs):
    leave(NAME, r"PLIF,seed=0,scale=small,x=$\frac{$", whole("PLIF", 0))
    results = work_out(sweep_named(NAME), collect(NAME, outputs, docs))
    assert document(results)
    assert page(results)

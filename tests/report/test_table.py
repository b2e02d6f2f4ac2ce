"""The tables of a report, the remarks below them, and the CSV."""

import csv
import io
import json

import pytest

from snnx.options.sweepfile import read
from snnx.record.source import digest, sources
from snnx.report.data.runs import collect
from snnx.report.pages.markdown import document
from snnx.report.results import work_out
from snnx.report.tables.comma_separated import comma_separated
from snnx.report.tables.text import markdown


@pytest.fixture
def results(sweep, outputs, docs):
    return lambda: work_out(sweep, collect("fig", outputs, docs))


def test_paper_and_our_number_side_by_side(results, leave, done):
    """81 and 82 % have the mean 81.5 and the sample deviation sqrt(0.5), and are 10 below the paper's 91.5."""
    for seed, value in enumerate((0.81, 0.82)):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, value))
    leave("fig", "A,seed=0", done("A", 0, 0.9, scale="paper"))
    assert results().tables[0].title == "val/acc (%)"
    assert results().tables[0].rows == (
        ("A", "91.5", "90.00 (n=1)", "-1.50", "paper", "1 done"),
        ("A", "91.5", "81.50 ± 0.71 (n=2)", "-10.00", "small", "2 done"),
        ("B", "-", "-", "-", "-", "missing"),
        ("C", "70.25", "-", "-", "-", "cited: Meng 2022 (its Table 2)"),
    )


def test_table_of_splits(results, leave, done):
    metrics = {"val/acc": 0.8, "val/acc_best": 0.82, "test/acc": 0.79}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, metrics=metrics))
    assert results().tables[1].columns == ("row", "scale", "val last", "val best", "test last")
    assert results().tables[1].rows == (("A", "small", "80.00", "82.00", "79.00"),)


def test_each_metric_that_rows_report_gets_a_table(tmp_path, leave, done, outputs, docs):
    path = tmp_path / "fig.yaml"
    path.write_text(
        "sweep: {paper: p, artifact: Table 1, metric: test/acc, unit: '%'}\n"
        "rows: {A: {set: [neuron=if], reported: {test/acc: 90, test/energy_mj: 0.5}}}\n"
    )
    leave("fig", "A,seed=0", done("A", 0, 0.8, scale="paper", metrics={"test/acc": 0.8, "test/energy_mj": 0.25}))
    first, second = work_out(read(path), collect("fig", outputs, docs)).tables
    assert first.rows[0][1:4] == ("90", "80.00 (n=1)", "-10.00")
    assert second.title == "test/energy_mj"
    assert second.rows[0][1:4] == ("0.5", "0.2500 (n=1)", "-0.2500")


def test_remarks_on_failed_unfinished_and_unknown_runs(results, leave, done):
    leave("fig", "A,seed=0,scale=small", done("A", 0, None))
    error = {"type": "RuntimeError", "message": "two\nlines", "traceback": "..."}
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.1, status="failed", error=error))
    leave("fig", "B,seed=2", None, hash="b2")
    leave("fig", "Old,seed=0,scale=small", done("Old", 0, 0.8))
    assert results().notes == [
        "A: source of the paper's number: read off Figure 10",
        "A, seed 1, small failed: RuntimeError: two lines",
        "A, seed 0, small is done but has no finite val/acc",
        "B, seed 2, paper is unfinished and not running; run the same command again to finish it",
        "Old: this row is no longer in the sweep file",
    ]


def test_remark_if_two_configurations_have_the_same_name(results, leave, done):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, group="a", hash="a"))
    leave("fig", "A,scale=small,seed=0", done("A", 0, 0.8, group="b", hash="b"))
    remark = "A small: several configurations have this name; claims use that of the sweep file, or else of this machine"
    assert remark in results().notes


def test_remark_if_runs_have_read_different_files(results, leave, done):
    """As if a sweep was begun with one copy of a data set and finished with another."""
    data = {"name": "fashion_mnist", "train": 54000, "val": 6000, "test": 10000}
    for seed, content in ((0, "aa"), (1, "aa"), (2, "bb")):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8, data=data | {"content": content}))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.8, data=data | {"name": "mnist", "content": "cc"}))
    expected = (
        "scale small: the runs have read different files of fashion_mnist, so their numbers cannot be compared: "
        "aa in 2 runs, bb in 1 run"
    )
    assert [note for note in results().notes if "different files" in note] == [expected]


def test_csv_has_all_digits(sweep, results, leave, done):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8123456))
    rows = list(csv.DictReader(io.StringIO(comma_separated(sweep, results().lines))))
    assert [row["row"] for row in rows] == ["C", "A", "B"]
    assert float(rows[1]["mean"]) == pytest.approx(81.23456)
    assert (rows[1]["std"], rows[1]["n"], rows[1]["unit"], rows[0]["paper"]) == ("", "1", "%", "70.25")


def test_rows_of_a_grid_are_labelled_by_their_overrides(tmp_path, leave, done, outputs, docs):
    path = tmp_path / "fig.yaml"
    path.write_text("sweep: {paper: p, artifact: Grid, metric: val/acc}\n")
    leave("fig", "seed=0,neuron=if,scale=small", done("neuron=if", 0, 0.8))
    leave("fig", "seed=1,neuron=if,scale=small", done("neuron=if", 1, 0.8))
    results = work_out(read(path), collect("fig", outputs, docs))
    assert [row[0] for row in results.tables[0].rows] == ["neuron=if"]
    assert results.notes == []


def test_results_of_code_that_has_changed_are_counted(results, leave, done):
    lif = {"neuron": {"_target_": "snnx.neuron.lif.LIF"}}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, physics=lif, code=digest(sources(lif))))
    assert not [note for note in results().notes if "out of date" in note]
    folder = leave("fig", "A,seed=1,scale=small", done("A", 1, 0.8, physics=lif, code="0123456789abcdef"))
    told, again = "1 of 2 results are out of date, because", "run the sweep again: snnx -m sweep=fig scale=small seed=1"
    assert f"{told} code has changed; {again}" in results().notes
    made = sources(lif) | {"snnx.neuron.lif": "0123456789abcdef", "snnx.neuron.gone": "0123456789abcdef"}
    (folder / "inputs.json").write_text(json.dumps({"code": made, "data": {"folders": []}}))
    assert f"{told} snnx/neuron/lif.py changed, and 1 more file; {again}" in results().notes
    (folder / "inputs.json").write_text("{")
    assert f"{told} inputs.json is damaged; {again}" in results().notes


def test_of_several_results_that_are_out_of_date_the_reason_is_that_of_the_first(results, leave, done):
    lif, plif = ({"neuron": {"_target_": f"snnx.neuron.{name}"}} for name in ("lif.LIF", "plif.PLIF"))
    for seed, physics, edited in ((0, lif, "lif"), (1, plif, "plif")):
        folder = leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8, physics=physics, code="0123456789abcdef"))
        made = sources(physics) | {f"snnx.neuron.{edited}": "0123456789abcdef"}
        (folder / "inputs.json").write_text(json.dumps({"code": made, "data": {"folders": []}}))
    expected = "2 of 2 results are out of date, the first because snnx/neuron/lif.py changed; run the sweep again: "
    assert [note for note in results().notes if note.startswith(expected)]


def test_the_command_of_outdated_results_has_their_scale_and_overrides(results, leave, done):
    lif = {"neuron": {"_target_": "snnx.neuron.lif.LIF"}}
    for seed, (scale, link) in enumerate(
        [
            ("small, budget.width=0.5", "A,seed=0,scale=small,budget.width=0.5,metric=[energy,potential]"),
            ("smoke", "A,seed=1,scale=smoke"),
        ]
    ):
        leave("fig", link, done("A", seed, 0.8, physics=lif, code="0123456789abcdef", scale=scale))
    expected = (
        "2 of 2 results are out of date, because code has changed; run the sweep again: snnx -m sweep=fig scale=small "
        "budget.width=0.5 'metric=[energy,potential]', and 1 other command"
    )
    assert [note for note in results().notes if "out of date" in note] == [expected]


def test_recorded_results_of_other_code_are_counted_until_they_are_confirmed(results, docs, done):
    lif = {"neuron": {"_target_": "snnx.neuron.lif.LIF"}}
    run = {**done("A", 0, 0.8, physics=lif, code="0123456789abcdef"), "seed": 0, "further": "", "hash": "ab" * 8}
    folder = docs / "fig"
    folder.mkdir(parents=True)
    (folder / "runs.jsonl").write_text(json.dumps(run) + "\n")
    told = [note for note in results().notes if "other code" in note]
    assert len(told) == 1
    assert told[0].startswith("1 of 1 recorded results come from other code than that of commit ")
    assert told[0].endswith(", and are not confirmed by it; compare them with it: snnx replay fig")
    confirmed = {"code": digest(sources(lif)), "git": {"commit": "abc"}, "by": "10 first losses"}
    (folder / "runs.jsonl").write_text(json.dumps({**run, "confirmed": confirmed}) + "\n")
    assert not [note for note in results().notes if "other code" in note]
    assert ("confirmed by snnx replay", "1 of 1 at commit abc by 10 first losses") in results().provenance


def test_provenance(results, leave, done):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, samples={"correct": 0, "wrong": 12}))
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.8, git={"commit": "abc", "dirty": True}, wall_s=58.8))
    both = {"commit": "abc", "dirty": False, "project": {"commit": "def", "dirty": True}}
    leave("fig", "A,seed=2,scale=small", done("A", 2, 0.8, git=both))
    of_project = {"project": {"commit": "def", "dirty": False}}
    leave("fig", "A,seed=3,scale=small", done("A", 3, 0.8, git=of_project, trained_by="ab" * 8))
    assert results().provenance == [
        ("runs", "4 done"),
        ("command", "snnx -m sweep=fig scale=small"),
        ("wall time", "4 min 2 s in total, 59 s to 1 min 1 s per run"),
        ("shared training", "1 of 4 runs took the network that another run had trained"),
        ("machine", "cpu, 2 threads"),
        ("versions", "torch 2.14.1"),
        ("commit", "abc"),
        ("commit", "abc with uncommitted changes"),
        ("commit", "abc; of the project: def with uncommitted changes"),
        ("commit", "of the project: def"),
        ("data", "fashion_mnist: 54000 train, 6000 val, 10000 test"),
        ("scale", "small: 0.33 of the epochs, 0.1 of the samples, 0.5 of the width"),
        ("parameters", "556,682"),
        ("started", "2026-11-22T11:00:00"),
    ]


@pytest.mark.parametrize(
    ("rows", "layers", "named"),
    [
        ("A", {"energy_45nm_uj": {kind: {"all": [0.5]} for kind in ("test", "wrong")}}, False),  # tables show a single number
        ("A", {"firing_rate": {kind: {"sn1": [0.1], "sn2": [0.2]} for kind in ("test", "wrong")}}, True),
        (
            "AB",
            {"firing_rate": {kind: {"sn1": [0.1], "sn2": [0.2]} for kind in ("test", "wrong")}},
            False,
        ),  # two rows: no sample
        ("AB", {"spike_raster": {"correct": {"sn1": [1, None]}}}, True),
        ("AB", {}, False),
    ],
)
def test_pictured_samples_are_named_if_a_figure_shows_them(results, leave, done, rows, layers, named):
    for row in rows:
        leave("fig", f"{row},seed=0,scale=small", done(row, 0, 0.8, samples={"correct": 0, "wrong": 12}, layers=layers))
    fact = ("test samples in the figures, by their number", "0 (correct) and 12 (wrong)")
    assert results().pictured == [fact] * named
    assert ("12 (wrong)" in document(results(), images="")) == named


def test_markdown_is_a_table(results, leave, done):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    first, rule, *rows = markdown(results().tables[0]).splitlines()
    assert {line.count("|") for line in (first, rule, *rows)} == {7}


def test_overrides_that_all_runs_share_are_a_remark_and_not_in_labels(results, leave, done):
    for row in "AB":
        leave("fig", f"{row},seed=0,scale=small,trainer.max_epochs=6", done(row, 0, 0.8))
    alike = results()
    assert [line.label for line in alike.lines if line.runs] == ["A", "B"]
    assert "scale small: all runs have trainer.max_epochs=6" in alike.notes
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.7, group="other", hash="other"))
    assert [line.label for line in results().lines if line.runs] == ["A", "A trainer.max_epochs=6", "B trainer.max_epochs=6"]


def test_the_same_error_of_several_seeds_is_one_remark(results, leave, done):
    error = {"type": "NoData", "message": "cifar10_dvs must be on this machine", "traceback": "..."}
    for seed in range(3):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, None, status="no data", error=error))
    assert "A, seed 0, 1, 2, small no data: cifar10_dvs must be on this machine" in results().notes


def test_table_of_splits_without_validation(results, leave, done):
    """Without a validation set there is no best epoch, so the table has no column for it."""
    metrics = {"train/acc": 0.95, "test/acc": 0.79, "test/acc_best": 0.79}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, metrics=metrics))
    assert results().tables[-1].columns == ("row", "scale", "train last", "test last")
    assert results().tables[-1].rows == (("A", "small", "95.00", "79.00"),)

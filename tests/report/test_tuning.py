"""Tuned rows in the report: beside their row, missing until they ran, with what is known of their search."""

import json
from hashlib import sha256

import pytest

from snnx.command import report, status
from snnx.options.sweepfile import read
from snnx.report.board import boards
from snnx.report.data.runs import collect
from snnx.report.pages import card, index
from snnx.report.pages.committed import record
from snnx.report.results import work_out

FACTS = {
    "study": "fig-A-1", "trials": 4, "pruned": 1, "failed": 0, "epochs": 3, "seeds": 1,
    "values": {"optimizer.lr": 0.0097654321}, "val/acc": 0.875, "at_edge": {"optimizer.lr": "tag(log, interval(1e-4, 1e-2))"},
}  # fmt: skip
FRONT = [
    {"values": {"optimizer.lr": 0.009}, "objectives": {"val/acc": 0.875, "val/energy_45nm_uj": 2.0}},
    {"values": {"optimizer.lr": 0.001}, "objectives": {"val/acc": 0.75, "val/energy_45nm_uj": 1.0}},
]


@pytest.fixture
def tuned(tmp_path):
    path = tmp_path / "fig.yaml"
    path.write_text(
        "# A paper, Table 1: accuracy.\n#   snnx -m sweep=fig scale=small\n"
        "sweep:\n  paper: dtst\n  artifact: Table 1\n  metric: val/acc\n  claims: [A-tuned > A]\n"
        "  tune: {keys: {optimizer.lr: 'tag(log, interval(1e-4, 1e-2))'}, trials: 4, epochs: 0.5}\n"
        "rows:\n  A: {set: [neuron=plif], reported: 0.9}\n  B: {set: [neuron=lif]}\n"
        "hydra: {sweeper: {params: {seed: '0,1'}}}\n"
    )
    return read(path)


@pytest.fixture
def ran(tuned, leave, done, outputs, docs):
    """Both seeds of row A and of its tuned twin, and a trial of the search."""
    for seed in (0, 1):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8))
        overrides = ["sweep=fig", "row=A", "optimizer.lr=0.009", f"seed={seed}", "scale=small"]
        leave("fig", f"A-tuned,seed={seed},scale=small", done("A-tuned", seed, 0.85, tuned=FACTS, overrides=overrides))
    leave("fig/search", "A,seed=1000,scale=small,optimizer.lr=0.001", done("A trial 0", 1000, 0.5))
    return collect("fig", outputs, docs)


def table(results, title):
    return next((entry for entry in results.tables if entry.title == title), None)


def test_the_tuned_row_stands_below_its_row_and_is_missing_until_it_ran(tuned, ran):
    first = work_out(tuned, ran).tables[0]
    assert [(row[0], row[1], row[-1]) for row in first.rows] == [
        ("A", "0.9", "2 done"), ("A-tuned", "-", "2 done"), ("B", "-", "missing"), ("B-tuned", "-", "missing"),
    ]  # fmt: skip
    (verdict,) = work_out(tuned, ran).verdicts
    assert (verdict.evidence[0].left, verdict.evidence[0].right, verdict.evidence[0].n) == ("A-tuned", "A", 2)


def test_the_table_says_what_was_chosen_by_how_many_trials(tuned, ran):
    results = work_out(tuned, ran)
    found = table(results, "Tuning")
    assert dict(zip(found.columns, found.rows[0], strict=True)) == {
        "row": "A-tuned", "scale": "small", "chosen": "optimizer.lr=0.009765", "trials": "4", "pruned": "1", "failed": "0",
        "epochs of a trial": "3", "seeds of a trial": "1", "best val/acc": "0.8750",
    }  # fmt: skip
    assert len(found.rows) == 1
    assert table(results, "Fronts of the searches") is None
    assert (
        "A-tuned, small: the chosen optimizer.lr=0.009765 lies at the edge of what was searched, "
        "tag(log, interval(1e-4, 1e-2)); a wider range may have a better value"
    ) in results.notes
    said = "**Tuning**: A-tuned: optimizer.lr by 4 trials of 3 epochs, on the validation part"
    assert said in card.document(results)


def test_two_objectives_give_a_table_of_the_front(tuned, leave, done, outputs, docs):
    leave("fig", "A-tuned,seed=0,scale=small", done("A-tuned", 0, 0.85, tuned=FACTS | {"front": FRONT}))
    found = table(work_out(tuned, collect("fig", outputs, docs)), "Fronts of the searches")
    assert found.columns == ("row", "scale", "settings", "val/acc", "val/energy_45nm_uj")
    assert found.rows[1] == ("A-tuned", "small", "optimizer.lr=0.001", "0.7500", "1.000")


def test_a_run_that_two_rows_share_is_tuned_under_one_name_only(tuned, leave, done, outputs, docs):
    """The search chose what the row has: both names lead to one folder."""
    shared = done("A", 0, 0.8, tuned=FACTS)
    leave("fig", "A,seed=0,scale=small", shared)
    (outputs / "fig" / "A-tuned,seed=0,scale=small").symlink_to(f"../runs/{shared['hash']}")
    found = {run.row: "tuned" in run.result for run in collect("fig", outputs, docs)}
    assert found == {"A": False, "A-tuned": True}


def test_a_pruned_trial_is_unfinished_as_a_run_of_the_sweep(leave, done, outputs, docs):
    leave("fig", "A,seed=1000,scale=small", done("A trial 3", 1000, 0.4, status="pruned"))
    (run,) = collect("fig", outputs, docs)
    assert (run.row, run.state, run.result) == ("A", "unfinished", {})


def test_a_long_name_without_the_chosen_values_is_found_again(leave, done, outputs, docs):
    """The name was cut, and ends in a hash of the overrides that it would have had."""
    rest = f"scale=small,dataset.root={'x' * 200}"
    overrides = ["sweep=fig", "row=A", "tuned={values:{optimizer.lr:0.1}}", "optimizer.lr=0.1", "seed=0", *rest.split(",")]
    name = f"A-tuned,seed=0,scale=small~{sha256(rest.encode()).hexdigest()[:8]}"
    leave("fig", name, done("A-tuned", 0, 0.8, tuned=FACTS, overrides=overrides))
    (run,) = collect("fig", outputs, docs)
    assert (run.row, run.further) == ("A-tuned", f"dataset.root={'x' * 200}")


def test_the_record_keeps_what_is_known_of_the_search(tuned, ran, docs):
    record(tuned, ran, docs)
    entries = [json.loads(line) for line in (docs / "fig" / "runs.jsonl").read_text().splitlines()]
    assert {entry["row"]: entry.get("tuned") for entry in entries} == {"A": None, "A-tuned": FACTS}
    assert entries[-1]["overrides"][1] == "row=A"
    assert "## Tuning" in (docs / "fig.md").read_text()


def test_a_narrowed_report_shows_the_tuned_row_with_its_row(tuned, ran, outputs, docs, monkeypatch, capsys):
    monkeypatch.setattr(report, "sweep_named", lambda name: tuned)
    assert report.main(["fig", "--row", "A", "--outputs", str(outputs), "--docs", str(docs)]) == 0
    printed = capsys.readouterr().out
    assert "A-tuned" in printed
    assert "B" not in [line.split("│")[1].strip() for line in printed.splitlines() if "│" in line]


def test_status_gives_a_tuned_row_a_place_once_it_has_a_run(tuned, ran):
    (board,) = boards(tuned, ran)
    assert list(board.rows) == ["A", "A-tuned", "B"]
    assert "A-tuned" in str(list(status._drawn(board, tuned, lambda run: False).columns[0].cells))


def test_the_page_of_all_results_lists_tuned_rows_that_have_not_run(tuned, ran):
    assert index._not_run(tuned, ran).splitlines() == [
        "- Table 1, 1 of 2 rows: `snnx -m sweep=fig row=B`",
        "- Table 1, 1 of 2 tuned rows: `snnx -m sweep=fig hydra/sweeper=snnx_tune row=B`",
    ]
    assert index._table_rows(work_out(tuned, ran), ran)[0][3] == "2 of 4"

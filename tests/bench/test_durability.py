"""Tables of the durability benchmark, and the copies of runs that it makes."""

import json
from dataclasses import replace

from composing import composed
from finished import result_of

from snnx.bench.durability import tables
from snnx.report.data.lines import lines
from snnx.report.data.runs import collect


def test_tables():
    checkpoint = {"4": {"ours": [0.02, 0.04, 0.03], "torch.save": [0.01]}}
    commands, checkpoints = tables(
        {"runs": 100, "again": [5.0, 6.0], "status": [0.2], "many": 10_000, "status of many": [1.5],
         "reported": [10, 3], "report": [7.0],
         "composed": 40, "composing": [0.01234], "composing rows": [0.0098], "checkpoint": checkpoint,
         "interrupted": [{"whole": 10.0, "interrupted": 12.0}]}
    )  # fmt: skip
    assert [row[1:] for row in commands.rows] == [
        ("5.50", "2"), ("0.20", "1"), ("1.50", "1"), ("7.00", "1"), ("0.0123", "1"), ("0.0098", "1"), ("1.20x", "1"),
    ]  # fmt: skip
    assert checkpoints.rows == (("4 MB", "30.0", "10.0", "3"),)


def test_copied_runs_are_counted_as_runs(tmp_path):
    from snnx.bench.durability import _add_grid, _multiply

    folder = tmp_path / "outputs" / "runs" / "a"
    folder.mkdir(parents=True)
    job = replace(composed("seed=0"), id="a", row="IF")
    (folder / "result.json").write_text(json.dumps(result_of(job)))
    (tmp_path / "outputs" / "demo_neurons").mkdir()
    (tmp_path / "outputs" / "demo_neurons" / "IF,seed=0").symlink_to("../runs/a")
    _multiply(tmp_path / "outputs", 50)
    assert len(collect("demo_neurons", tmp_path / "outputs", tmp_path)) == 51
    _add_grid(tmp_path / "outputs", 30, 2)
    grid = collect("single", tmp_path / "outputs", tmp_path)
    assert [run.state for run in grid] == ["done"] * 60
    assert {len(line.done) for line in lines([], grid)} == {2}
    assert len(lines([], grid)) == 30

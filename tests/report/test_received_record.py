"""A record or a link that somebody else has made concerns its own row, and a report writes into no link."""

import os

from command_lines import snnx

from snnx.record.result_file import LARGEST
from snnx.report.data.runs import DAMAGED, collect


def test_a_report_writes_through_no_link(leave, done, outputs):
    folder = outputs.parent
    (folder / "victim").mkdir()
    leave("single", "seed=0", done("LIF", 0, 0.5))
    (outputs / "single" / "report").symlink_to(folder / "victim")
    ended = snnx(folder, "report", "single")
    assert ended.returncode == 2
    assert "outputs/single/report must be a folder" in ended.stderr
    assert not os.listdir(folder / "victim")


def test_a_link_to_itself_costs_no_other_row(tmp_path):
    folder = tmp_path / "outputs" / "demo"
    folder.mkdir(parents=True)
    (folder / "D,seed=0").symlink_to("D,seed=0")
    assert collect("demo", tmp_path / "outputs", tmp_path / "docs") == []


def test_a_result_or_a_record_of_any_size_is_not_read(tmp_path):
    """Both files take a few bytes on the disk."""
    run = tmp_path / "outputs" / "runs" / ("a" * 16)
    run.mkdir(parents=True)
    os.truncate(os.open(run / "result.json", os.O_CREAT | os.O_WRONLY), LARGEST + 1)
    (tmp_path / "outputs" / "demo").mkdir()
    (tmp_path / "outputs" / "demo" / "A,seed=0").symlink_to(run)
    docs = tmp_path / "docs" / "demo"
    docs.mkdir(parents=True)
    os.truncate(os.open(docs / "runs.jsonl", os.O_CREAT | os.O_WRONLY), 1 << 40)
    found = collect("demo", tmp_path / "outputs", tmp_path / "docs")
    assert [one.state for one in found] == [DAMAGED] * 2
    assert "Is larger than 33,554,432 bytes" in found[0].result["error"]["message"]
    assert "Is larger than 1,073,741,824 bytes" in found[1].result["error"]["message"]


def test_a_record_that_is_a_pipe_is_not_waited_for(empty):
    docs = empty / "docs" / "results" / "demo_neurons"
    docs.mkdir(parents=True)
    os.mkfifo(docs / "runs.jsonl")
    (found,) = collect("demo_neurons", empty / "outputs", empty / "docs" / "results")
    assert "Is a pipe or a device" in found.result["error"]["message"]
    assert snnx(empty, "status", "demo_neurons").returncode in (0, 1)

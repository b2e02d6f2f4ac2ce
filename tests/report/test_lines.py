"""Only runs that differ in nothing but the seed are averaged."""

import pytest

from snnx.report.data.lines import lines, shared_overrides
from snnx.report.data.runs import collect


@pytest.fixture
def grouped(outputs, docs):
    return lambda: lines(["A", "B"], collect("fig", outputs, docs))


def test_seeds_share_a_line_but_scales_do_not(leave, done, grouped):
    for seed in (1, 0):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8 + seed / 100))
    leave("fig", "A,seed=0", done("A", 0, 0.9, scale="paper"))
    assert [(line.label, line.scale, line.values("val/acc"), line.status) for line in grouped()] == [
        ("A", "paper", {0: 0.9}, "1 done"),
        ("A", "small", {0: 0.8, 1: 0.81}, "2 done"),
        ("B", "", {}, "missing"),
    ]


def test_runs_with_further_overrides_get_a_line_with_these_in_its_label(leave, done, grouped):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    leave("fig", "A,seed=0,scale=small,neuron.tau=4", done("A", 0, 0.7, group="tau4", hash="tau4"))
    assert [line.label for line in grouped()] == ["A", "A neuron.tau=4", "B"]


def test_a_run_whose_override_changes_no_result_joins_the_line(leave, done, grouped):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    leave("fig", "A,seed=1,scale=small,logger=csv", done("A", 1, 0.7))
    assert next((line.label, line.further) for line in grouped()) == ("A", ["", "logger=csv"])


def test_two_configurations_of_the_same_name_are_labelled_by_their_group(leave, done, grouped, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, group="aaaaaaaa", hash="a"))
    leave("fig", "A,scale=small,seed=0", done("A", 0, 0.7, group="bbbbbbbb", hash="b"))
    assert [line.label for line in grouped()] == ["A #aaaaaa", "A #bbbbbb", "B"]


def test_an_unfinished_run_joins_the_line_of_the_same_name(leave, done, grouped):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    leave("fig", "A,seed=1,scale=small", None, hash="a1")
    leave("fig", "B,seed=1,scale=small", None, hash="b1")
    assert [(line.label, line.status) for line in grouped()] == [("A", "1 done, 1 unfinished"), ("B", "1 unfinished")]


def test_failed_runs_and_non_finite_values_are_not_averaged(leave, done, grouped):
    leave("fig", "A,seed=0,scale=small", done("A", 0, None))
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.8))
    leave("fig", "A,seed=2,scale=small", done("A", 2, 0.1, status="diverged"))
    (line, _) = grouped()
    assert (line.values("val/acc"), line.status) == ({1: 0.8}, "2 done, 1 diverged")


def test_rows_are_in_the_order_of_the_sweep_and_unknown_rows_last(leave, done, grouped):
    for row in ("AA", "B", "A"):
        leave("fig", f"{row},seed=0,scale=small", done(row, 0, 0.8))
    assert [line.row for line in grouped()] == ["A", "B", "AA"]


def test_single_runs_are_labelled_by_the_overrides_that_they_do_not_all_share(leave, done, outputs, docs):
    """Commas inside lists do not split an override; overrides that all runs share are stated once in a remark."""
    common = "metric=[firing_rate,potential],backbone.hidden=[8,8]"
    for seed, own in ((0, ""), (1, ""), (0, ",neuron=if"), (0, ",neuron=if,neuron.v_reset=null")):
        leave("single", f"seed={seed},{common}{own}", done("", seed, 0.8, group=own or "none", hash=f"{seed}{own}"))
    found = lines([], collect("single", outputs, docs))
    assert [(line.label, line.status) for line in found] == [
        ("no override", "2 done"),
        ("neuron=if", "1 done"),
        ("neuron=if,neuron.v_reset=null", "1 done"),
    ]
    assert shared_overrides(found) == {"small": common}


def test_single_runs_of_one_configuration_share_a_line_in_whatever_order_it_was_written(leave, done, outputs, docs):
    for seed, words in enumerate(("neuron=if,timesteps=2", "timesteps=2,neuron=if")):
        leave("single", f"seed={seed},{words}", done(words, seed, 0.8, scale="paper", group="g"))
    leave("single", "seed=0,neuron=lif", done("neuron=lif", 0, 0.8, scale="paper", group="h"))
    found = lines([], collect("single", outputs, docs))
    assert [(line.label, len(line.runs)) for line in found] == [("neuron=if,timesteps=2", 2), ("neuron=lif", 1)]


def test_if_there_is_one_single_run_it_keeps_all_its_overrides(leave, done, outputs, docs):
    leave("single", "seed=0,neuron=if", done("", 0, 0.8))
    assert [line.label for line in lines([], collect("single", outputs, docs))] == ["neuron=if"]

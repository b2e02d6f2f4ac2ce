"""The CSV of metrics by layer: means computed by hand, and which metrics are left out."""

import csv
import io

from snnx.report.data.runs import collect
from snnx.report.results import work_out


def test_averages_over_steps_then_over_seeds(sweep, leave, done, outputs, docs):
    def probed(first, last):
        return {
            "firing_rate": {"test": {"sn1": [first, last], "sn2": [None, 0.5]}, "wrong": {"sn1": [1.0, 1.0]}},
            "potential_histogram": {"test": {"sn1": [1 / 64] * 64}},
            "anytime_acc": {"test": {"all": [0.1, 0.2]}},
            "denoiser_curve": {"train": {"head 0": [0.0, 1.0]}},
            "empty": {"test": {"sn1": [None]}},
        }

    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers=probed(0.1, 0.3)))
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.8, layers=probed(0.3, 0.5)))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.8, layers={"firing_rate": {"test": {"sn1": [0.25]}}}))
    found = list(csv.DictReader(io.StringIO(work_out(sweep, collect("fig", outputs, docs)).layers)))
    assert [(row["metric"], row["row"], row["seen"], row["layer"], row["mean"], row["std"], row["n"]) for row in found] == [
        ("firing_rate", "A", "test", "sn1", "0.3", "0.141421", "2"),
        ("firing_rate", "A", "test", "sn2", "0.5", "0", "2"),
        ("firing_rate", "A", "wrong", "sn1", "1", "0", "2"),
        ("firing_rate", "B", "test", "sn1", "0.25", "", "1"),
    ]
    assert {(row["scale"], row["further"]) for row in found} == {("small", "")}


def test_is_empty_if_no_metric_was_recorded_by_layer(sweep, leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    assert work_out(sweep, collect("fig", outputs, docs)).layers == ""

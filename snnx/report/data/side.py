"""Collects one side of a comparison: the values of a row in one metric, or a number from a paper."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnx.record.correctness import unpack
from snnx.report.data.lines import Line
from snnx.report.data.run import Run

SHARE = re.compile(r"(ann_)?acc(_ties|_first|_best|_\d+bit)*|anytime_acc_at_\w+|early_exit_acc_at_[\d.]+|conversion_loss")
"""Names of the metrics that are shares of samples; their variance is at least the binomial one."""
GAPS = {"test/conversion_loss": ("test/ann_acc", "test/acc")}
"""Metrics that are the difference of two accuracies of the same network on the same samples."""


@dataclass(frozen=True)
class Measured:
    """A metric of one row, for each seed.

    Args:
        values: the metric for each of the `n` seeds.
        correct: whether each test sample was classified correctly, `[n, N]` of 0 and 1, if `values` are its means over samples;
            for the difference of two accuracies the difference of the two, -1, 0 or 1.
        split: identifies the test samples; rows are compared sample by sample only if they have the same.
        clusters: for each sample the number of the group that it belongs to, `[N]`, for example the writer of a digit;
            `None` if samples are independent.
        samples: size of the test set, for a share of samples of which `correct` is not known.
    """

    values: tuple[float, ...]
    correct: np.ndarray | None = None
    split: str = ""
    clusters: np.ndarray | None = None
    samples: int | None = None

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return float(np.mean(self.values))


@dataclass(frozen=True)
class Number:
    """A number from a paper or a claim.

    Args:
        value: the number.
        std: its standard deviation over seeds, if the paper gives one.
        n: its number of seeds.
        test_samples: size of the test set of a cited accuracy, from which its binomial variance follows.
    """

    value: float
    std: float = 0.0
    n: int = 1
    test_samples: int | None = None

    @property
    def mean(self) -> float:
        """The number."""
        return self.value

    @property
    def variance(self) -> float:
        """`std² / n`, plus `p (1 - p) / test_samples` for an accuracy `p`."""
        drawn = self.value * (1 - self.value) / self.test_samples if self.test_samples else 0.0
        return self.std**2 / self.n + drawn


def is_share(metric: str) -> bool:
    """Whether a metric is a share of samples.

    Example:
        >>> [is_share(key) for key in ("val/acc", "test/acc_4bit", "test/early_exit_acc_at_0.9", "test/anytime_acc_drop")]
        [True, True, True, False]
    """
    return bool(SHARE.fullmatch(metric.partition("/")[2]))


def measured(line: Line, metric: str) -> Measured:
    """Collect the values of a metric in the finished runs of a line, and the correctness of each sample if all runs have it."""
    values = line.values(metric)
    runs = [run for run in line.done if run.seed in values]
    part = metric.partition("/")[0]
    bits = [run.result.get("answers", {}).get(part) for run in runs]
    if runs and all(bits) and len({(entry["identity"], entry["samples"]) for entry in bits}) == 1:
        correct = [_correct(entry, metric) for entry in bits]
        if all(row is not None for row in correct):
            clusters = bits[0].get("clusters")
            return Measured(
                tuple(values.values()), np.stack(correct), bits[0]["identity"], None if clusters is None else np.array(clusters)
            )
    return Measured(tuple(values.values()), samples=_samples(runs, part) if is_share(metric) else None)


def _correct(entry: dict, metric: str) -> np.ndarray | None:
    """Unpack the correctness of one run's samples, `[N]`; `None` if the run's record lacks it or cannot be read."""
    keys = GAPS.get(metric, (metric,))
    if not all(key in entry["correct"] for key in keys):
        return None
    try:
        first, *others = (unpack(entry["correct"][key], entry["samples"]).astype(np.int8) for key in keys)
    except ValueError:  # a foreign result may have any text of the right length
        return None
    return first - others[0] if others else first


def _samples(runs: Sequence[Run], part: str) -> int | None:
    """Return the smallest number of samples that a run counted, or `None` if a run does not say."""
    sizes = [(run.result.get("data") or {}).get(part) for run in runs]
    return min(sizes) if sizes and all(sizes) else None

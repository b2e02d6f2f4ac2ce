"""Finds metrics of a sweep file that a run does not measure, for example because a name is misspelled."""

from collections.abc import Mapping, Sequence

from snnx.options.nearest import nearest
from snnx.options.sweepfile import sweep_named
from snnx.report.data.claim import read
from snnx.report.data.relative import RELATIVE, SPIKES, STEPS, TO_PAPER

OF_TRAINING = ("val/acc", "val/loss", "val/acc_first", "val/acc_best")
"""Numbers of the validation that every trained run has."""


class Unmeasured:
    """Names each metric of a sweep file once, as soon as a run that should have measured it has finished without it.

    The names of most metrics are known only when a test has measured them. A sweep checks them when its first run has finished,
    and `snnx plan` after a short test of the untrained network.

    Args:
        name: the name of the sweep; `None` for runs without a sweep file, which need no metric.
    """

    def __init__(self, name: str | None) -> None:
        self._needed: dict[str, set[str]] = {}  # by metric, the rows that need it
        if name:
            sweep = sweep_named(name)
            self._need(sweep.metric, {row.label for row in sweep.measured})
            for claim in read(sweep):
                if not claim.per_layer:
                    self._need(claim.metric, set(claim.rows))

    def _need(self, metric: str, rows: set[str]) -> None:
        """Note that rows need a metric; energies relative to another network are computed from two numbers of a run."""
        for name in (STEPS, SPIKES) if metric in RELATIVE | TO_PAPER else (metric,):
            self._needed.setdefault(name, set()).update(rows)

    def needs_test(self, row: str) -> bool:
        """Whether only a test can say if the row measures what the sweep file names."""
        return any(row in rows and _is_doubtful(metric) for metric, rows in self._needed.items())

    def planned(self, row: str, names: Sequence[str]) -> list[str]:
        """Return one line for each metric that a short test of the untrained network has not measured, if it is not named yet.

        A metric whose name extends that of a measured one, such as `test/firing_rate_last_over_first`, is not reported, because
        it may depend on values that only a trained network has.

        Args:
            row: the label of the row.
            names: what its test has measured, see `measured_names`.
        """
        known = [*names, *OF_TRAINING]
        missing = [
            metric
            for metric, rows in self._needed.items()
            if row in rows and _is_doubtful(metric) and not any(f"{metric}_".startswith(f"{name}_") for name in known)
        ]
        for metric in missing:
            del self._needed[metric]
        return [
            f"the sweep file names {metric}, which a short test of {row} has not measured{nearest(metric, known)}"
            for metric in missing
        ]

    def warnings(self, row: str, outcome: Mapping) -> list[str]:
        """Return one line for each metric that the run should have measured and has not, if it is not named yet.

        Args:
            row: the label of the run's row.
            outcome: its result; a run that is not done adds no line.
        """
        if outcome["status"] != "done":
            return []
        measured, trained = outcome["metrics"], bool(outcome.get("curves"))
        missing = [
            metric
            for metric, rows in self._needed.items()
            if row in rows and metric not in measured and metric not in outcome and (trained or metric.startswith("test/"))
        ]
        for metric in missing:
            del self._needed[metric]
        return [f"the sweep file names {metric}, which {row} has not measured{nearest(metric, measured)}" for metric in missing]


def _is_doubtful(metric: str) -> bool:
    """Whether a metric may be misspelled: one of the test other than the accuracy, or one such as `val/accuracy`.

    A method may log further numbers in the validation or the training, which a test does not show.
    """
    if metric.startswith("val/"):
        return metric not in OF_TRAINING and metric.startswith(("val/acc", "val/los"))
    return metric.startswith("test/") and metric != "test/acc"

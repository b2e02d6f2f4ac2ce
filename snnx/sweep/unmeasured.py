"""Finds metrics of a sweep file that a finished run has not measured, for example because a name is misspelled."""

from collections.abc import Mapping

from snnx.options.nearest import nearest
from snnx.options.sweepfile import sweep_named
from snnx.report.data.claim import read


class Unmeasured:
    """Names each metric of a sweep file once, as soon as a run that should have measured it has finished without it.

    The names of most metrics are known only when a test has measured them, so this cannot be checked before the first run.

    Args:
        name: the name of the sweep; `None` for runs without a sweep file, which need no metric.
    """

    def __init__(self, name: str | None) -> None:
        self._needed: dict[str, set[str]] = {}  # by metric, the rows that need it
        if name:
            sweep = sweep_named(name)
            self._needed[sweep.metric] = {row.label for row in sweep.measured}
            for claim in read(sweep):
                if not claim.per_layer:
                    self._needed.setdefault(claim.metric, set()).update(claim.rows)

    def warnings(self, row: str, outcome: Mapping) -> list[str]:
        """Return one line for each metric that the run should have measured and has not, if it is not named yet.

        Args:
            row: the label of the run's row.
            outcome: its result; one that is not done gives nothing.
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

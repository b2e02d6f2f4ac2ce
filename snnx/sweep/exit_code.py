"""Decides whether a sweep succeeded, for the exit code."""

from collections.abc import Sequence


class SweepFailed(RuntimeError):
    """Raised when at least one run failed; each failure has been reported already."""


def judge(outcomes: Sequence[dict]) -> str | None:
    """Say what is wrong with the outcomes of a sweep; `None` if nothing is wrong.

    A run whose data set is missing does not count as a failure, unless the data sets of all runs are missing. Nor does a
    trial that its search stopped early.

    Example:
        >>> judge([{"status": "done"}, {"status": "no data"}])
        >>> judge([{"status": "done"}, {"status": "failed"}])
        '1 of 2 runs failed or diverged'
        >>> judge([{"status": "no data"}])
        'no run has its data set on this machine'
    """
    bad = sum(outcome["status"] not in ("done", "no data", "pruned") for outcome in outcomes)
    if bad:
        return f"{bad} of {len(outcomes)} runs failed or diverged"
    if outcomes and all(outcome["status"] == "no data" for outcome in outcomes):
        return "no run has its data set on this machine"
    return None

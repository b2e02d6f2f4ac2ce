"""Whether a sweep ended well, for its exit code."""

from collections.abc import Sequence


class SweepFailed(RuntimeError):
    """Some run did not end well; each has been reported by itself."""


def judge(outcomes: Sequence[dict]) -> str | None:
    """What is wrong with a set of outcomes, or `None` if nothing is: a row without its data set is forgiven beside others.

    Example:
        >>> judge([{"status": "done"}, {"status": "no data"}])
        >>> judge([{"status": "done"}, {"status": "failed"}])
        '1 of 2 runs did not end well'
        >>> judge([{"status": "no data"}])
        'no run has its data set on this machine'
    """
    bad = sum(outcome["status"] not in ("done", "no data") for outcome in outcomes)
    if bad:
        return f"{bad} of {len(outcomes)} runs did not end well"
    if outcomes and all(outcome["status"] == "no data" for outcome in outcomes):
        return "no run has its data set on this machine"
    return None

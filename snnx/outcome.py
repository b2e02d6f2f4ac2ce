"""What the outcomes of runs come to: in a line, and for an exit code."""

from collections.abc import Sequence

MARKS = {
    "done": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "diverged": "[red]∞[/]",
    "no data": "[yellow]○[/]",
    "stopped": "[yellow]‖[/]",
    "unfinished": "[yellow]‖[/]",
}


class SweepFailed(RuntimeError):
    """Some run did not end well; each has been reported by itself."""


def summary(outcome: dict) -> str:
    """One line on how a run ended.

    Example:
        >>> summary({"status": "done", "metrics": {"val/acc": 0.9, "test/acc": 0.875}, "wall_s": 12.3})
        'val/acc 0.9000  test/acc 0.8750  12 s'
        >>> summary({"status": "failed", "error": {"type": "OSError", "message": "disk full"}})
        'failed: disk full'
    """
    if outcome["status"] == "stopped":
        return "stopped; the same line again goes on from its last epoch"
    if outcome["status"] != "done":
        message = (outcome["error"]["message"].strip().splitlines() or [outcome["error"]["type"]])[0]
        return f"{outcome['status']}: {message}"
    found = outcome["metrics"]
    shown = [f"{key} {found[key]:.4f}" for key in ("val/acc", "test/acc") if found.get(key) is not None]
    before = "done before" if outcome.get("before") else f"{outcome['wall_s']:.0f} s"
    return "  ".join([*shown, before])


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

"""Describes in one line how a run ended."""

from snnx.record.chance import bound_of

SILENT = "no layer of neurons fired in the test"
"""A warning in a result."""
FEW = 10
"""The number of first losses that are recorded; a network that was trained for fewer steps has hardly learned."""

MARKS = {
    "done": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "diverged": "[red]∞[/]",
    "no data": "[yellow]○[/]",
    "stopped": "[yellow]‖[/]",
    "unfinished": "[yellow]‖[/]",
    "pruned": "[yellow]✂[/]",
    "damaged": "[red]✗[/]",
}


def summary(outcome: dict) -> str:
    """Describe in one line how a run ended.

    Example:
        >>> summary({"status": "done", "metrics": {"val/acc": 0.9, "test/acc": 0.875}, "wall_s": 12.3})
        'val/acc 0.9000  test/acc 0.8750  12 s'
        >>> summary({"status": "done", "metrics": {"val/acc": 0.9, "test/ann_acc": 0.9, "test/acc": 0.875}, "wall_s": 12.3})
        'test/ann_acc 0.9000  test/acc 0.8750  12 s'
        >>> summary({"status": "done", "metrics": {"test/acc": 0.875}, "recorded": "computed by other code, not confirmed"})
        'test/acc 0.8750  recorded, computed by other code, not confirmed'
        >>> before = {"status": "done", "metrics": {"test/acc": 1.0}, "answers": {"test": {"samples": 1}}, "before": True}
        >>> summary(before)
        'test/acc 1.0000 on 1 sample  done before'
        >>> summary({**before, "outdated": "mylab/alif.py changed"})
        'test/acc 1.0000 on 1 sample  done before, although mylab/alif.py changed'
        >>> data = {"chance": 0.1, "test": 400}
        >>> summary({**before, "metrics": {"test/acc": 0.14}, "curves": {"train/loss": [2.3]}, "data": data})
        'test/acc 0.1400 on 1 sample, no better than chance  done before'
        >>> short = {"curves": {"train/loss": [2.3]}, "data": data, "first_losses": [2.3, 2.4]}
        >>> summary({**before, "metrics": {"test/acc": 0.1}, **short})
        'test/acc 0.1000 on 1 sample, no better than chance after 2 training steps  done before'
        >>> summary({**before, "warnings": ["no layer of neurons fired in the test"]})
        'test/acc 1.0000 on 1 sample, no layer of neurons fired in the test  done before'
        >>> summary({"status": "failed", "error": {"type": "OSError", "message": "disk full"}})
        'failed: disk full'
        >>> summary({"status": "pruned", "metrics": {"val/acc": 0.25}, "curves": {"val/acc": [0.125, 0.25]}})
        'pruned after epoch 2  val/acc 0.2500'
    """
    if outcome["status"] == "stopped":
        return "stopped; run the same command again to continue from its last epoch"
    if outcome["status"] == "pruned":
        return f"pruned after epoch {len(outcome['curves']['val/acc'])}  val/acc {outcome['metrics']['val/acc']:.4f}"
    if outcome["status"] != "done":
        error = outcome.get("error") or {}
        message = (error.get("message", "").strip().splitlines() or [error.get("type", "")])[0]
        return f"{outcome['status']}: {message}"
    found = outcome["metrics"]
    # val/acc of a converted network is that of the ReLU network, measured on other samples than test/acc
    beside = "test/ann_acc" if found.get("test/ann_acc") is not None else "val/acc"
    shown = [f"{key} {found[key]:.4f}" for key in (beside, "test/acc") if found.get(key) is not None]
    if shown and (samples := ((outcome.get("answers") or {}).get("test") or {}).get("samples")):
        shown[-1] += f" on {samples:,} sample{'s' * (samples > 1)}"
    if _at_chance(outcome):
        steps = len(outcome.get("first_losses") or ())
        shown[-1] += f", no better than chance after {steps} training steps" if 0 < steps < FEW else ", no better than chance"
    if shown and SILENT in (outcome.get("warnings") or ()):
        shown[-1] += f", {SILENT}"
    if code := outcome.get("recorded"):
        return "  ".join([*shown, f"recorded, {code}"])
    if why := outcome.get("outdated"):
        return "  ".join([*shown, f"done before, although {why}"])
    return "  ".join([*shown, "done before" if outcome.get("before") else f"{outcome['wall_s']:.0f} s"])


def _at_chance(outcome: dict) -> bool:
    """Whether a trained network is no better on the test set than always naming the largest class."""
    bound, found = bound_of(outcome.get("data")), outcome["metrics"].get("test/acc")
    return bool(outcome.get("curves")) and None not in (bound, found) and found <= bound

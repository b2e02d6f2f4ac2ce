"""The table of accuracy by split."""

from collections.abc import Sequence

from snnx.options.sweepfile import SweepFile
from snnx.options.unit import factor, with_unit
from snnx.report.data.format import mean_std, spread
from snnx.report.data.lines import Line
from snnx.report.tables.table import EMPTY, Table

SPLITS = {
    "train last": "train/acc",
    "val last": "val/acc",
    "val best": "val/acc_best",
    "test last": "test/acc",
    "test at best val": "test/acc_best",
    "epoch chosen on test": "test/acc_chosen_on_test",  # as no result should be chosen; see `snnx.run.callback.epoch_tests`
}


def splits(sweep: SweepFile, lines: Sequence[Line]) -> Table | None:
    """Make the table of training, validation and test accuracy, after the last epoch and at the best validation accuracy.

    Returns:
        `None` if no line has a training or validation accuracy.
    """
    times = factor(sweep.unit, "acc")
    rows = []
    for line in lines:
        found = {split: list(line.values(metric).values()) for split, metric in SPLITS.items()}
        if not found["val last"]:
            found["test at best val"] = []
        if found["train last"] or found["val last"]:
            cells = (spread(*mean_std([times * value for value in values])) if values else EMPTY for values in found.values())
            rows.append((line.label, line.scale, *cells))
    title = with_unit(sweep.unit, "acc").replace("acc", "Accuracy by split")
    return Table(title, ("row", "scale", *SPLITS), "ll" + "r" * len(SPLITS), tuple(rows)) if rows else None

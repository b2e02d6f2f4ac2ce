"""The record of a training: one row an epoch in `metrics.csv`."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from snnx.logger.view import View
from snnx.record.write import write


class EpochLog(Checkpoint):
    """Writes what was logged in each epoch, whole and synced, so that a kill loses at most the epoch in flight.

    Lightning's CSVLogger deletes the file of the run it resumes and rewrites it in place; this one carries its rows in the
    checkpoint and replaces the file. It is a `Checkpoint` because Lightning runs those after the module's own epoch end, where
    the training sums are logged; it must stand before the callback that saves, so that the rows saved are complete.

    Args:
        path: the file, `metrics.csv` in the run's folder.
        views: these are shown the rows when they are on the disk.
    """

    def __init__(self, path: Path, views: Sequence[View] = ()) -> None:
        self.path, self.views = path, views
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        logged = {key: float(value) for key, value in trainer.callback_metrics.items()}
        self.rows.append({"epoch": trainer.current_epoch + 1, **logged})
        if not trainer.is_global_zero:
            return
        text = io.StringIO()
        columns = dict.fromkeys(key for row in self.rows for key in row)
        writer = csv.DictWriter(text, fieldnames=list(columns))
        writer.writeheader()
        writer.writerows(self.rows)
        write(self.path, text.getvalue())
        for view in self.views:
            view.show(self.rows)

    def state_dict(self) -> dict:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict) -> None:
        self.rows = state_dict["rows"]

    def curves(self) -> dict[str, list[float]]:
        """Column name to one value an epoch."""
        columns = dict.fromkeys(key for row in self.rows for key in row if key != "epoch")
        return {key: [row.get(key, float("nan")) for row in self.rows] for key in columns}

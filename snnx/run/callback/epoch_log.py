"""The record of a training: one row per epoch in `metrics.csv`."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from snnx.logger.view import View
from snnx.record.write import write


class EpochLog(Checkpoint):
    """Writes the logged values to disk after each epoch, so that a killed run loses at most the epoch it was in.

    When a run is resumed, Lightning's CSVLogger deletes the run's file, and it writes the new one in place. This class stores
    its rows in the checkpoint and replaces the file as a whole. It is a `Checkpoint` because Lightning calls checkpoint
    callbacks after the module's own `on_train_epoch_end`, where the training metrics are logged. It must come before the
    callback that saves the checkpoint (`Keep`), so that the checkpoint contains the row of this epoch.

    Args:
        path: the file, `metrics.csv` in the run's folder.
        views: loggers that receive all rows after each write of the file.
    """

    def __init__(self, path: Path, views: Sequence[View] = ()) -> None:
        self.path, self.views = path, views
        self.rows: list[dict[str, float]] = []

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.rows and trainer.is_global_zero:  # from a checkpoint, which may be that of another run
            self._write()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        logged = {key: float(value) for key, value in trainer.callback_metrics.items()}
        self.rows.append({"epoch": trainer.current_epoch + 1, **logged})
        if trainer.is_global_zero:
            self._write()

    def _write(self) -> None:
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
        """Return each column by name, with one value per epoch; a value that was not logged is NaN."""
        columns = dict.fromkeys(key for row in self.rows for key in row if key != "epoch")
        return {key: [row.get(key, float("nan")) for row in self.rows] for key in columns}

"""Writes how far a run has got to a small file that any program can read while it runs."""

import json
import time
from contextlib import suppress
from pathlib import Path

import pytorch_lightning as pl

EVERY_S = 0.25  # shortest time between two writes


class Progress(pl.Callback):
    """Replaces `progress.json` at most four times a second: `{"done": 0.25, "left_s": 31.0, "epoch": 3, "epochs": 12, ...}`.

    `done` is the fraction of the training that is done, and `left_s` estimates the seconds that the rest will take.

    It is a file and not a pipe, so that a progress bar can also follow a run on another machine. It serves display only, so it
    is not synced to disk.

    Args:
        path: the file, `progress.json` in the run's folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last = 0.0
        self._accuracy: float | None = None  # of the last validation; it is read once, since the host waits for a GPU
        self._began = (0.0, 0.0)  # when this process started: the fraction of the training that was done, and the time

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._began = trainer.current_epoch / trainer.max_epochs, time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs, batch, batch_idx: int) -> None:
        if time.monotonic() - self._last > EVERY_S:
            self._write(trainer, (batch_idx + 1) / trainer.num_training_batches)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if (accuracy := trainer.callback_metrics.get("val/acc")) is not None:
            self._accuracy = round(float(accuracy), 4)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._write(trainer, 1.0)

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.path.unlink(missing_ok=True)  # `done` is about training only; testing is short

    def _write(self, trainer: pl.Trainer, of_epoch: float) -> None:
        if not trainer.is_global_zero:
            return
        self._last = time.monotonic()
        done = (trainer.current_epoch + of_epoch) / trainer.max_epochs
        share, since = self._began
        state = {
            "done": done,
            "left_s": round((1 - done) * (self._last - since) / (done - share), 1) if done > share else None,
            "epoch": trainer.current_epoch + 1,
            "epochs": trainer.max_epochs,
            "val/acc": self._accuracy,
        }
        temporary = self.path.with_suffix(".tmp")
        with suppress(OSError):  # on a full disk only the display fails, not the run
            temporary.write_text(json.dumps(state), encoding="utf-8")
            temporary.replace(self.path)

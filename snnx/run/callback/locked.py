"""Notices that somebody has removed the lock of a run."""

import pytorch_lightning as pl

from snnx.record.run_folder import Hold


class Locked(pl.Callback):
    """Ends the training with an error if the run's lock was removed, before this epoch is written.

    Without its lock file, another process could start the same run, and both would write to the same files.

    Args:
        hold: this process's lock on the run.
    """

    def __init__(self, hold: Hold) -> None:
        self.hold = hold

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.hold.require()

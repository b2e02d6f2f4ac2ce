"""The losses of the first training steps, which `snnx replay` later compares with a new training."""

import pytorch_lightning as pl
import torch
from torch import Tensor

COUNT = 10  # number of losses that are kept


class FirstLosses(pl.Callback):
    """Keeps the loss of each of the first ten training batches, as `training_step` returned it.

    The losses stay on the device until somebody asks for them, as a checkpoint does: reading one makes the host wait for a GPU.
    """

    def __init__(self) -> None:
        self._read: list[float] = []
        self._kept: list[Tensor] = []  # the losses that have not been read from the device yet

    @property
    def count(self) -> int:
        """How many losses there are; this reads nothing from the device."""
        return len(self._read) + len(self._kept)

    @property
    def losses(self) -> list[float]:
        """At most `COUNT` numbers, in order; they are stored in the checkpoint, so that a resumed run still has them."""
        if self._kept:
            self._read += torch.stack(self._kept).tolist()
            self._kept = []
        return list(self._read)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: dict, *_: object) -> None:
        if self.count < COUNT and trainer.global_step == self.count + 1:
            self._kept.append(outputs["loss"].detach().clone())

    def state_dict(self) -> dict:
        return {"losses": self.losses}

    def load_state_dict(self, state_dict: dict) -> None:
        self._read, self._kept = list(state_dict["losses"]), []

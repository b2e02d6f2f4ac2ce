"""Which samples a network classifies correctly, during the validation of a training and in each test."""

from collections.abc import Mapping

import pytorch_lightning as pl
import torch
from torch import Tensor

from snnx.record.correctness import pack


class Answers(pl.Callback):
    """Collects what `validation_step` and `test_step` return: for each accuracy, whether each sample was classified correctly.

    Of the validations it keeps those of the first, the best and the last epoch, the best being the first with the highest
    accuracy. They are stored in the checkpoints, so that a resumed run still has them.
    """

    def __init__(self) -> None:
        self._batches: dict[str, list[Tensor]] = {}
        self._validated: dict[str, str] = {}
        self._best = -1

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Mapping[str, Tensor], *_: object
    ) -> None:
        self._see(outputs)

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Mapping[str, Tensor], *_: object
    ) -> None:
        self._see(outputs)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for accuracy, correct in self._collected().items():
            packed, right = pack(correct.numpy()), int(correct.sum())
            self._validated.setdefault(f"{accuracy}_first", packed)
            self._validated[accuracy] = packed
            if right > self._best:
                self._best, self._validated[f"{accuracy}_best"] = right, packed

    def validated(self) -> dict[str, str]:
        """Return one bit per validation sample, packed, for each of `val/acc`, `val/acc_first` and `val/acc_best`."""
        return dict(self._validated)

    def tested(self) -> dict[str, str]:
        """Return one bit per test sample, packed, for each accuracy of the test that has just ended, and forget them."""
        return {accuracy: pack(correct.numpy()) for accuracy, correct in self._collected().items()}

    def state_dict(self) -> dict:
        return {"validated": self._validated, "best": self._best}

    def load_state_dict(self, state_dict: dict) -> None:
        self._validated, self._best = dict(state_dict["validated"]), state_dict["best"]

    def _see(self, outputs: Mapping[str, Tensor]) -> None:
        for accuracy, correct in outputs.items():
            self._batches.setdefault(accuracy, []).append(correct)

    def _collected(self) -> dict[str, Tensor]:
        batches, self._batches = self._batches, {}
        return {accuracy: torch.cat(some).cpu() for accuracy, some in batches.items()}

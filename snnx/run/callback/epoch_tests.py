"""Tests the network after each epoch, so that a report can say what choosing an epoch on the test set would have claimed."""

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from snnx.method.base import Method


class EpochTests(Checkpoint):
    """Keeps the test accuracy after each epoch; the training does not use it.

    The network is in evaluation mode meanwhile, and torch's random numbers afterwards are as before, so the training is the
    same with and without these tests. It is a `Checkpoint` so that Lightning calls it after the module's own epoch end, as
    `EpochLog`; it must come before the callback that saves the checkpoint (`Keep`).

    Args:
        method: the method that is trained.

    Raises:
        ValueError: the method is tested with another network than the one it trains.
    """

    def __init__(self, method: Method) -> None:
        if method.converts:
            raise ValueError(
                f"test_every_epoch must be false for {type(method).__name__}, which makes the network that is tested after the "
                "training; got true"
            )
        self.accuracies: list[float] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.accuracies.append(_accuracy(trainer, pl_module))

    def state_dict(self) -> dict:
        return {"accuracies": self.accuracies}

    def load_state_dict(self, state_dict: dict) -> None:
        self.accuracies = list(state_dict["accuracies"])


def _accuracy(trainer: pl.Trainer, method: Method) -> float:
    data, right, samples = trainer.datamodule, 0, 0
    with torch.random.fork_rng(), torch.no_grad(), trainer.precision_plugin.forward_context():
        method.eval()
        method.encoding.begin_evaluation()
        for batch in data.test_dataloader():
            images, labels = data.on_after_batch_transfer(tuple(tensor.to(method.device) for tensor in batch), 0)
            right += int((method(images).argmax(1) == labels).sum())
            samples += len(labels)
        method.train()
    return right / samples

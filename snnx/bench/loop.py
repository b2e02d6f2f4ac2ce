"""Measures the overhead around a training step: Lightning's loop, the method's metrics, and the data loader."""

from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from snnx.bench.turns import in_turns, medians
from snnx.dataset.batches import Batches
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.repeat import Repeat
from snnx.method.base import Method
from snnx.report.tables.table import Table
from snnx.run.build import build_trainer
from snnx.scheduler.constant import Constant

FULL = {"batches": 300, "batch_size": 32, "rounds": 7}
SMOKE = {"batches": 4, "batch_size": 2, "rounds": 1}
METHOD = {"_target_": "snnx.method.direct.Direct"}
TRAINER = {
    "_target_": "pytorch_lightning.Trainer",
    "_partial_": True,
    "max_epochs": 1,
    "accelerator": "cpu",
    "limit_val_batches": 0,
    "enable_checkpointing": False,
}


class Data(pl.LightningDataModule):
    """Random images in memory, with the same loader as our image data sets."""

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int) -> None:
        super().__init__()
        self.images, self.labels, self.batch_size = images, labels, batch_size

    def train_dataloader(self) -> Batches:
        return Batches(self.images, self.labels, batch_size=self.batch_size, order=self.order)

    def val_dataloader(self) -> Batches:
        return Batches(self.images, self.labels, batch_size=self.batch_size)  # Lightning requires it, but reads no batch

    def order(self) -> Tensor:
        return torch.randperm(len(self.labels))


def measure(batches: int, batch_size: int, rounds: int) -> dict:
    """Time an epoch of a network that computes almost nothing: in a plain loop, as snnx trains it, and the loader alone.

    Args:
        batches: batches per epoch.
        batch_size: images per batch.
        rounds: how many epochs are timed.
    """
    data = Data(torch.rand(batches * batch_size, 1, 8, 8), torch.zeros(batches * batch_size, dtype=torch.long), batch_size)

    def method() -> Method:
        return Method(
            encoding=Repeat(timesteps=1, in_channels=1), backbone=nn.Sequential(nn.Flatten(2), nn.Linear(64, 10)),
            decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={}, watch="*",
            optimizer=lambda groups: torch.optim.SGD(groups, lr=0.01), scheduler=Constant,
        )  # fmt: skip

    def plain() -> None:
        built = method()
        optimizer = torch.optim.SGD(built.parameters(), lr=0.01)
        for images, labels in data.train_dataloader():
            optimizer.zero_grad()
            built.loss(built(images), labels).backward()
            optimizer.step()

    def trained() -> None:
        trainer = build_trainer(
            {"trainer": TRAINER, "budget": {"epochs": 1.0}, "method": METHOD}, "bench", Path(), callbacks=[]
        )
        trainer.fit(method(), datamodule=data)

    def loaded() -> None:
        for _ in data.train_dataloader():
            pass

    seconds = in_turns({"plain loop": plain, "snnx": trained, "loader alone": loaded}, rounds)
    return {"batches": batches, "batch_size": batch_size, "seconds": seconds}


def tables(measured: dict) -> list[Table]:
    """Make the table of milliseconds per step."""
    median = medians(measured["seconds"])
    rounds = len(next(iter(measured["seconds"].values())))
    rows = tuple((name, f"{1e3 * value / measured['batches']:.3f}") for name, value in median.items())
    title = f"Training step with almost no computation, batches of {measured['batch_size']}, median of {rounds} epochs"
    return [Table(title, ("loop", "ms per step"), "lr", rows)]

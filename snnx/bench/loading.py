"""Measures how much of a training epoch is spent waiting for event data that is already in the cache."""

import os
import time
from collections.abc import Sequence
from tempfile import TemporaryDirectory

import torch
from spikingjelly.activation_based import functional
from torch.nn.functional import cross_entropy
from torch.optim import AdamW

from snnx.augmentation.none import none
from snnx.backbone.convnet import ConvNet
from snnx.bench.turns import medians
from snnx.dataset.event_camera import EventCamera
from snnx.dataset.event_digits import EventDigits
from snnx.dataset.nmnist import NMNIST
from snnx.dataset.published import NoData
from snnx.neuron.lif import LIF
from snnx.report.tables.table import Table

FULL = {"sets": (NMNIST, EventDigits), "timesteps": 6, "samples": 1.0, "rounds": 5}
SMOKE = {"sets": (EventDigits,), "timesteps": 1, "samples": 0.02, "rounds": 2}
BATCH = 32


class Epoch:
    """Trains a small convolutional network for one epoch when called; returns the seconds of waiting and of training."""

    def __init__(self, data: EventCamera) -> None:
        torch.manual_seed(0)
        self.data = data
        self.net = ConvNet(neuron=LIF, in_shape=data.shape, classes=data.classes, channels=[16, 32])
        self.optimizer = AdamW(self.net.parameters())

    def __call__(self) -> tuple[float, float]:
        waited = trained = 0.0
        batches = iter(self.data.train_dataloader())
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                return waited, trained
            frames, labels = self.data.on_after_batch_transfer(batch, 0)
            ready = time.perf_counter()
            functional.reset_net(self.net)
            cross_entropy(self.net(frames.transpose(0, 1)).mean(0), labels).backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            waited, trained = waited + ready - start, trained + time.perf_counter() - ready


def measure(sets: Sequence[type[EventCamera]], timesteps: int, samples: float, rounds: int) -> dict:
    """Time epochs on each data set.

    Args:
        sets: the data sets; N-MNIST is read from SNNX_DATA or ./data, simulated events are written to a temporary folder.
        timesteps: frames per sample.
        samples: fraction of the training samples that is used.
        rounds: number of epochs that are timed, after one that fills the cache.

    Returns:
        Under `waited` and `trained` the seconds of every epoch by data set, and under `missing` the data sets that are not on
        this machine.
    """
    found: dict = {"timesteps": timesteps, "rounds": rounds, "waited": {}, "trained": {}, "batches": {}, "missing": []}
    with TemporaryDirectory() as temporary:
        for kind in sets:
            root = temporary if kind is EventDigits else os.environ.get("SNNX_DATA", "data")
            data = kind(
                root=root, batch_size=BATCH, validation=0.1, augmentation=none, seed=0, timesteps=timesteps, samples=samples
            )
            try:
                data.setup()
            except NoData:
                found["missing"].append(data.option)
                continue
            epoch = Epoch(data)
            seconds = [epoch() for _ in range(rounds + 1)][1:]
            found["waited"][data.option], found["trained"][data.option] = map(list, zip(*seconds, strict=True))
            found["batches"][data.option] = len(data.train_dataloader())
    return found


def tables(measured: dict) -> list[Table]:
    """Make the table, with one row per data set."""
    waited, trained = medians(measured["waited"]), medians(measured["trained"])
    rows = tuple(
        (
            name,
            str(measured["batches"][name]),
            f"{1e3 * wait:.1f}",
            f"{trained[name]:.2f}",
            f"{100 * wait / (wait + trained[name]):.1f}",
        )
        for name, wait in waited.items()
    )
    rows += tuple((name, "not on this machine", "-", "-", "-") for name in measured["missing"])
    title = f"One epoch of event frames, batches of {BATCH}, T = {measured['timesteps']}, median of {measured['rounds']}"
    columns = ("data set", "batches", "waiting for data, ms", "training, s", "time spent waiting, %")
    return [Table(title, columns, "lrrrr", rows)]

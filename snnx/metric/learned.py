"""The base class of metrics that read what a network has learned, instead of measuring what it does."""

import pytorch_lightning as pl
from torch import nn

from snnx.metric.metric import Metric, Table


class Learned(Metric, pl.Callback):
    """Reads parameters of the network once, at the start of a test; a metric of this kind defines `read`."""

    over_samples: dict[str, str] = {}

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}

    def read(self, network: nn.Module) -> dict[str, Table]:
        """Return the curves of a network; empty if it has no such layer."""
        raise NotImplementedError

    def gathered(self) -> dict[str, Table]:
        return self._tables

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if pl_module.recorder is not None:  # there is none when the best epoch is tested
            self._tables = self.read(pl_module.backbone)

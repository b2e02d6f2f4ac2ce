"""Which implementation computed the neurons, in training and in the test."""

import pytorch_lightning as pl
from torch import nn

from snnx.neuron.node import Node
from snnx.neuron.spiking import path_of, spiking_layers


class Paths(pl.Callback):
    """Counts the neuron layers by their implementation in the first batch of each phase.

    A line is printed for each reason why neurons have no fused kernel.

    Attributes:
        found: for `train` and `test`, the number of layers by implementation; the step-by-step definition has its reason, as in
            `{"numba": 2, "definition (Noisy: it draws random numbers (rand_like))": 1}`.
    """

    def __init__(self) -> None:
        self.found: dict[str, dict[str, int]] = {"train": {}, "test": {}}
        self._printed: set[str] = set()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        self._look("train", pl_module, trainer.is_global_zero)

    def on_test_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: object) -> None:
        self._look("test", pl_module.tested, trainer.is_global_zero)

    def _look(self, phase: str, network: nn.Module, prints: bool) -> None:
        if self.found[phase]:
            return
        layers = [layer for layer in spiking_layers(network).values() if path_of(layer)]
        nodes = [layer for layer in layers if isinstance(layer, Node)]
        paths = [
            f"{node.path} ({type(node).__name__}: {node.unfused})" if getattr(node, "unfused", None) else path_of(node)
            for node in layers
        ]
        self.found[phase] = {path: paths.count(path) for path in sorted(set(paths))}
        reasons = {
            f"{type(node).__name__} runs step by step, without a fused kernel: {node.unfused}" for node in nodes if node.unfused
        }
        for reason in sorted(reasons - self._printed) if prints else ():
            print(f"snnx: {reason}", flush=True)
        self._printed |= reasons

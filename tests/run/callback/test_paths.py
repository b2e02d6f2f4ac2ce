"""`paths` in a result says, for each phase, how the neurons were computed, and why some were not fused."""

import pytorch_lightning as pl
import torch
from own_neurons import Noisy
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from snnx.neuron.lif import LIF
from snnx.run.callback.paths import Paths


class Network(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.tested = nn.Sequential(LIF(), LIF(), Noisy(), LIFNode(step_mode="m"))


def test_each_phase_is_counted_and_a_reason_is_printed_once(capsys):
    network, paths = Network(), Paths()
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, enable_model_summary=False, accelerator="cpu")
    capsys.readouterr()
    network.tested(torch.rand(3, 2, 4))
    paths.on_train_batch_end(trainer, network, None, None, 0)
    network.tested[2] = LIF()
    network.tested(torch.rand(3, 2, 4))
    paths.on_train_batch_end(trainer, network, None, None, 1)
    paths.on_test_batch_end(trainer, network, None, None, 0)
    reason = "it draws random numbers (rand_like)"
    assert paths.found["train"] == {"numba": 2, f"definition (Noisy: {reason})": 1, "spikingjelly": 1}
    assert paths.found["test"] == {"numba": 3, "spikingjelly": 1}
    assert capsys.readouterr().out == f"snnx: Noisy runs step by step, without a fused kernel: {reason}\n"

"""What the temporally attenuated attention has learned, layer by layer."""

import pytorch_lightning as pl
import torch
from torch import nn

from snnx.attention.tasa import TASA
from snnx.metric.metric import Metric, Table


class Attenuation(Metric, pl.Callback):
    """The learned exponent of every TASA in the network, one value per layer, or per delay with `decay=per_tau`.

        tasa_kappa = kappa, the parameter
        tasa_k     = k, the integer that kappa is rounded to; the weight of a delay is 2^(-k * delay)

    A network in which `kappa` moved but no `k` changed computes with the exponents that it was given.

    Source: DS2TA, Eqs 4 and 5.

    Example: see `exponents`, which computes these tables.
    """

    over_samples: dict[str, str] = {}

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}

    def gathered(self) -> dict[str, Table]:
        return self._tables

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if pl_module.recorder is not None:  # otherwise this tests another checkpoint
            self._tables = exponents(pl_module.backbone)


@torch.no_grad()
def exponents(network: nn.Module) -> dict[str, Table]:
    """Return the two tables of a network; empty if it has no TASA that learns.

    Example:
        >>> network = nn.Sequential(TASA(timesteps=4, window=3, k=2), nn.ReLU())
        >>> _ = network[0].kappa.data.fill_(2.75)
        >>> exponents(network)
        {'tasa_kappa': {'0': tensor([2.7500])}, 'tasa_k': {'0': tensor([3.])}}
    """
    layers = {name: m for name, m in network.named_modules() if isinstance(m, TASA) and m.window > 1}
    if not layers:
        return {}
    return {
        "tasa_kappa": {name: layer.kappa.detach().cpu().clone() for name, layer in layers.items()},
        "tasa_k": {name: layer.exponent().detach().cpu() for name, layer in layers.items()},
    }

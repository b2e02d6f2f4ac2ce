"""Reads what the temporally attenuated attention has learned, layer by layer."""

import torch
from torch import nn

from snnx.attention.tasa import TASA
from snnx.metric.learned import Learned
from snnx.metric.metric import Table


class Attenuation(Learned):
    """The exponent that each TASA of the network has learned: one value per layer, or one per delay if `decay=per_tau`.

        tasa_kappa = kappa, the parameter
        tasa_k     = k, the integer that kappa is rounded to; the weight of a delay is 2^(-k * delay)

    A network in which `kappa` moved but no `k` changed still computes with its initial exponents.

    Source: DS2TA, Eqs 4 and 5.

    Example: see `exponents`, which computes these tables.
    """

    def read(self, network: nn.Module) -> dict[str, Table]:
        return exponents(network)


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

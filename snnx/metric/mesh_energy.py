"""Energy on a mesh of cores, with hops that are counted."""

from math import ceil, isqrt

import torch
from torch import Tensor

from snnx.metric.metric import Metric, Table
from snnx.neuron.node import Node


def mesh_energy_uj(spikes: Tensor | float, hops: Tensor | float) -> Tensor | float:
    """`20 pJ * spikes + 100 pJ * hops + 3.52 uJ`, of one frame.

    The paper's counts are a thousandth of what it prints (71 M and 45.4 M), which its own total needs.

    Example:
        >>> round(mesh_energy_uj(71e3, 454e3), 2)
        50.34
    """
    return 20e-6 * spikes + 100e-6 * hops + 3.52


def hops(by_core: list[Tensor]) -> Tensor:
    """Hops of spikes that every core sends once to every core of the next layer, along x and then y.

    Cores are numbered row by row over the smallest square mesh, layer after layer; between two cores lie as many hops as their
    Manhattan distance.

    Args:
        by_core: spikes of each core, `[cores]`, layer by layer.

    Example:
        >>> hops([torch.tensor([5.0, 1.0]), torch.tensor([2.0])]).item()     # a 2x2 mesh: (0,0) and (1,0) to (0,1)
        7.0
    """
    total = sum(len(spikes) for spikes in by_core)
    side = isqrt(total - 1) + 1
    place = torch.stack([torch.arange(total) % side, torch.arange(total) // side], dim=1).double()
    places = place.split([len(spikes) for spikes in by_core])
    found = torch.zeros((), dtype=torch.float64)
    for spikes, source, target in zip(by_core, places, places[1:], strict=False):
        found += spikes.double().cpu() @ torch.cdist(source, target, p=1).sum(1)
    return found


class MeshEnergy(Metric):
    """`mesh_energy_uj` of a frame, from the spikes of each core.

    A layer's neurons, in the order of their features, are cut into equal groups of at most `core` neurons, a core each; the
    read-out takes one core, which receives and does not fire.

    Args:
        core: neurons of a core at most, at least 1.

    Raises:
        ValueError: `core` is below 1.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 12; its simulator is not public, and the
        placing of cores is ours.

    Example:
        >>> metric = MeshEnergy()
        >>> found = metric.finish({"core_spikes": {"sn1": torch.tensor([5.0, 1.0])}})
        >>> found["hops"]["all"].item(), round(found["mesh_energy_uj"]["all"].item(), 6)
        (7.0, 3.52082)
    """

    over_samples = {"core_spikes": "mean"}

    def __init__(self, *, core: int = 1024) -> None:
        if core < 1:
            raise ValueError(f"MeshEnergy: core must be at least 1 neuron; got {core}")
        self.core = core

    def measure(self, h: Tensor, s: Tensor, node: Node) -> dict[str, Tensor]:
        spikes = s.sum(0).flatten(1).float()
        cores = ceil(spikes.shape[1] / self.core)
        return {"core_spikes": torch.stack([group.sum(1) for group in spikes.tensor_split(cores, dim=1)])}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        by_core = list(curves["core_spikes"].values())
        spikes, sent = torch.cat(by_core).sum().double().cpu(), hops([*by_core, torch.zeros(1)])
        return {"hops": {"all": sent[None]}, "mesh_energy_uj": {"all": mesh_energy_uj(spikes, sent)[None]}}

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


def hops(by_core: list[Tensor], *, multicast: bool = True) -> Tensor:
    """Links that spikes cross when every core sends each of its own to every core of the next layer, along x and then y.

    Cores are numbered row by row over the smallest square mesh, layer after layer.

    Args:
        by_core: spikes of each core, `[cores]`, layer by layer.
        multicast: a spike goes out once, along its row, and branches where a column holds receivers, so that a link is crossed
            once. If false, a spike of its own goes to each receiver: the sum of their Manhattan distances.

    Example:
        >>> spikes = [torch.tensor([5.0, 1.0]), torch.tensor([2.0, 0.0])]      # (0,0) and (1,0) to (0,1) and (1,1)
        >>> hops(spikes).item(), hops(spikes, multicast=False).item()          # 3 links a spike; 1 + 2 hops
        (18.0, 18.0)
        >>> spikes = [torch.tensor([1.0]), torch.zeros(3)]                      # (0,0) to (1,0), (0,1) and (1,1)
        >>> hops(spikes).item(), hops(spikes, multicast=False).item()
        (3.0, 4.0)
    """
    total = sum(len(spikes) for spikes in by_core)
    side = isqrt(total - 1) + 1
    place = torch.stack([torch.arange(total) % side, torch.arange(total) // side], dim=1).double()
    places = place.split([len(spikes) for spikes in by_core])
    found = torch.zeros((), dtype=torch.float64)
    for spikes, source, target in zip(by_core, places, places[1:], strict=False):
        crossed = _tree(source, target) if multicast else torch.cdist(source, target, p=1).sum(1)
        found += spikes.double().cpu() @ crossed
    return found


def _tree(source: Tensor, target: Tensor) -> Tensor:
    """Links of the tree from each source, `[S, 2]`, to all targets, `[K, 2]`: along its row, and up and down their columns."""
    x, y = source.T
    links = _span(x, target[:, 0])
    for column in target[:, 0].unique():
        links += _span(y, target[target[:, 0] == column, 1])
    return links


def _span(start: Tensor, ends: Tensor) -> Tensor:
    """Links of a line that holds a start, `[S]`, and all ends."""
    return torch.maximum(start, ends.max()) - torch.minimum(start, ends.min())


class MeshEnergy(Metric):
    """`mesh_energy_uj` of a frame, from the spikes of each core.

    A layer's neurons, in the order of their features, are cut into equal groups of at most `core` neurons, a core each; the
    read-out takes one core, which receives and does not fire.

    The paper counts 6.4 hops a spike on VGG-16, fewer than any way of sending each spike to every core of the next layer: with
    its 0.2561 spikes a neuron, spread evenly over 278 cores, multicast crosses 57 links a spike, and the frame costs 421 uJ
    where the paper has 50.36 (263 and 1,919 without multicast). Its simulator is not public: what it sends, and where its cores
    lie, is not known, so energies of this model compare networks with one another and not with the paper's.

    Args:
        core: neurons of a core at most, at least 1.
        multicast: see `hops`.

    Raises:
        ValueError: `core` is below 1.

    Source: Temporal-Coded Spiking Neural Networks with Dynamic Firing Threshold, Eq 12; the placing of cores is ours.

    Example:
        >>> metric = MeshEnergy()
        >>> found = metric.finish({"core_spikes": {"sn1": torch.tensor([5.0, 1.0])}})
        >>> found["hops"]["all"].item(), round(found["mesh_energy_uj"]["all"].item(), 6)
        (7.0, 3.52082)
    """

    over_samples = {"core_spikes": "mean"}
    formulas = {
        "hops": "links between neighbouring cores that spikes cross, on the smallest square mesh of cores",
        "mesh_energy_uj": "(20 pJ * spikes + 100 pJ * hops) / 1e6 + 3.52   [DTA-TTFS, Eq 12; the last is a frame's own]",
    }

    def __init__(self, *, core: int = 1024, multicast: bool = True) -> None:
        if core < 1:
            raise ValueError(f"MeshEnergy: core must be at least 1 neuron; got {core}")
        self.core = core
        self.multicast = multicast

    def measure(self, h: Tensor, s: Tensor, node: Node) -> dict[str, Tensor]:
        spikes = s.sum(0).flatten(1).float()
        cores = ceil(spikes.shape[1] / self.core)
        return {"core_spikes": torch.stack([group.sum(1) for group in spikes.tensor_split(cores, dim=1)])}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        by_core = list(curves["core_spikes"].values())
        spikes, sent = torch.cat(by_core).sum().double().cpu(), hops([*by_core, torch.zeros(1)], multicast=self.multicast)
        return {"hops": {"all": sent[None]}, "mesh_energy_uj": {"all": mesh_energy_uj(spikes, sent)[None]}}

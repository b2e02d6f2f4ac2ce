"""Models the energy on a mesh of cores, from the number of spikes and of the links between cores that they cross."""

from math import ceil, isqrt

import torch
from torch import Tensor, nn

from snnx.metric.metric import Metric, Table


def mesh_energy_uj(spikes: Tensor | float, hops: Tensor | float) -> Tensor | float:
    """Return `20 pJ * spikes + 100 pJ * hops + 3.52 uJ`, the energy of one frame in uJ.

    The counts printed in the paper (71 M and 45.4 M) are too large for its own total, which needs a thousandth of them.

    Example:
        >>> round(mesh_energy_uj(71e3, 454e3), 2)
        50.34
    """
    return 20e-6 * spikes + 100e-6 * hops + 3.52


def hops(by_core: list[Tensor], *, multicast: bool = True) -> Tensor:
    """Count the links that spikes cross if each core sends its spikes to all cores of the next layer, along x and then y.

    The cores are placed row by row on the smallest square mesh, layer after layer.

    Args:
        by_core: number of spikes of each core, `[cores]`, for each layer.
        multicast: if true, a spike is sent once along its row and branches at each column with receivers, so that it crosses
            each link only once. If false, one copy is sent to each receiver, and the hops are the sum of Manhattan distances.

    Example:
        >>> spikes = [torch.tensor([5.0, 1.0]), torch.tensor([2.0, 0.0])]      # (0,0) and (1,0) to (0,1) and (1,1)
        >>> hops(spikes).item(), hops(spikes, multicast=False).item()          # 3 links per spike; 1 + 2 hops
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
    """Count the links of the tree from each source, `[S, 2]`, along its row and then the columns to all targets, `[K, 2]`."""
    x, y = source.T
    links = _span(x, target[:, 0])
    for column in target[:, 0].unique():
        links += _span(y, target[target[:, 0] == column, 1])
    return links


def _span(start: Tensor, ends: Tensor) -> Tensor:
    """Count the links of the shortest line that contains a start, `[S]`, and all ends."""
    return torch.maximum(start, ends.max()) - torch.minimum(start, ends.min())


class MeshEnergy(Metric):
    """`mesh_energy_uj` of a frame, from the spikes of each core.

    The neurons of a layer, in the order of their features, are divided into equal groups of at most `core` neurons, one group
    per core. The read-out takes one more core, which receives spikes and sends none.

    The paper counts 6.4 hops per spike on VGG-16. This is fewer than are needed to send each spike to every core of the next
    layer. With the paper's 0.2561 spikes per neuron, spread evenly over 278 cores, multicast crosses 57 links per spike and a
    frame costs 421 uJ, where the paper has 50.36 uJ (without multicast: 263 links and 1,919 uJ). The paper's simulator is not
    public, so we do not know which spikes it sends and where it places its cores. Compare energies of this model only with one
    another, not with the paper's.

    Args:
        core: maximum number of neurons per core, at least 1.
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
        "mesh_energy_uj": "(20 pJ * spikes + 100 pJ * hops) / 1e6 + 3.52   [DTA-TTFS, Eq 12; 3.52 is a constant per frame]",
    }

    def __init__(self, *, core: int = 1024, multicast: bool = True) -> None:
        if core < 1:
            raise ValueError(f"MeshEnergy: core must be at least 1; got {core}")
        self.core = core
        self.multicast = multicast

    def measure(self, h: Tensor | None, s: Tensor, node: nn.Module) -> dict[str, Tensor]:
        spikes = s.sum(0).flatten(1).float()
        cores = ceil(spikes.shape[1] / self.core)
        return {"core_spikes": torch.stack([group.sum(1) for group in spikes.tensor_split(cores, dim=1)])}

    def finish(self, curves: dict[str, Table]) -> dict[str, Table]:
        by_core = list(curves["core_spikes"].values())
        spikes, sent = torch.cat(by_core).sum().double().cpu(), hops([*by_core, torch.zeros(1)], multicast=self.multicast)
        return {"hops": {"all": sent[None]}, "mesh_energy_uj": {"all": mesh_energy_uj(spikes, sent)[None]}}

"""Simulates the spiking network to find scales (maxima of the currents that spikes cause) and to calibrate biases."""

import copy
from collections.abc import Callable, Iterable

import torch
from spikingjelly.activation_based import functional
from torch import Tensor, nn

from snnx.conversion.convert import convert
from snnx.conversion.links import Link

Simulations = Callable[[], Iterable[tuple[Tensor, Iterable[Tensor]]]]
"""Each call returns the calibration set: images `[B, C, H, W]`, and their input piece by piece, each `[c, B, C, H, W]`."""


@torch.no_grad()
def spike_maxima(
    network: nn.Module, links: dict[str, Link], scales: dict[str, Tensor], simulations: Simulations, *, initial: float = 0.0
) -> dict[str, Tensor]:
    """Return a scale for each layer: the largest current that its neurons receive in one step when the layers before it spike.

        scale = scale * max over samples, neurons and steps of x[t]         layer after layer, in the order in which they run

    Spikes come in bursts, so these maxima are larger than those of the activations: no neuron gets more than its threshold in a
    step, but more steps are needed. Han et al. therefore multiply thresholds by a factor below 1 (`method.scale_factor`).

    Args:
        network: the network with its batch norms folded; it is not changed.
        links: from `links`.
        scales: scales to begin with, from `calibrate`, one per layer.
        simulations: the calibration set.
        initial: initial potential as a share of the threshold.

    Source: Sengupta et al., 2019, section 3 (threshold balancing); Han et al., 2020 (RMP-SNN), section 4.

    Example: see `tests/conversion/test_driven.py`.
    """
    scales = dict(scales)
    for name in dict.fromkeys(link.sink for link in links.values() if link.sink):
        spiking, largest = convert(copy.deepcopy(network), links, scales, initial=initial), [scales[name].new_zeros(())]
        _simulate(spiking, simulations, name, lambda x, s, seen=largest: seen.append(x.amax()))
        scales[name] = scales[name] * torch.stack(largest).amax()
    return scales


@torch.no_grad()
def calibrate_biases(
    network: nn.Module, spiking: nn.Module, links: dict[str, Link], scales: dict[str, Tensor], simulations: Simulations
) -> nn.Module:
    """Correct the biases of a converted network by the mean difference between activations and firing rates, for each channel.

        b = b + mean over samples and positions of (activation / scale - rate)       layer after layer, in their order

    When the rates of a layer are measured, over the steps of the run, the layers before it are already calibrated. The biases
    fit a run of this length only: fewer steps need larger biases.

    Args:
        network: the network with its batch norms folded.
        spiking: its conversion by `weight`, so that thresholds are 1; it is changed in place and returned.
        links: from `links`.
        scales: scale of each activation.
        simulations: the calibration set.

    Source: Li et al., 2021 (A Free Lunch From ANN: Towards Efficient, Accurate SNN Calibration), section 4.2, bias calibration.

    Example: see `tests/conversion/test_driven.py`.
    """
    for name in dict.fromkeys(link.sink for link in links.values() if link.sink):
        targets: list[Tensor] = []
        hook = network.get_submodule(name).register_forward_hook(lambda m, x, y, seen=targets: seen.append(_by_channel(y)))
        for images, _ in simulations():
            network(images[None])
        hook.remove()
        rates: list[Tensor] = []
        _simulate(spiking, simulations, name, lambda x, s, seen=rates: seen.append(_by_channel(s)))
        wanted, found = (torch.stack(sums).sum(0) for sums in (targets, rates))
        missing = wanted[0] / wanted[1] / scales[name] - found[0] / found[1]
        layer = next(spiking.get_submodule(at) for at, link in links.items() if link.sink == name and _has_weight(spiking, at))
        layer.bias = nn.Parameter(missing.to(layer.weight) + (0 if layer.bias is None else layer.bias))
    return spiking


def _by_channel(y: Tensor) -> Tensor:
    """Return sums and counts over steps, samples and positions of `[T, B, C, *]`, stacked to `[2, C]`."""
    rows = y.flatten(0, 1).transpose(0, 1).flatten(1).double()
    return torch.stack([rows.sum(1), torch.full_like(rows[:, 0], rows.shape[1])])


def _has_weight(network: nn.Module, name: str) -> bool:
    return isinstance(network.get_submodule(name), nn.Conv2d | nn.Linear)


def _simulate(spiking: nn.Module, simulations: Simulations, name: str, see: Callable[[Tensor, Tensor], None]) -> None:
    """Run the spiking network on the calibration set, and pass on the current and the spikes of a layer, `[c, B, C, *]`."""
    hook = spiking.get_submodule(name).register_forward_hook(lambda m, given, s: see(given[0], s))
    for _, pieces in simulations():
        functional.reset_net(spiking)
        for piece in pieces:
            spiking(piece)
    functional.reset_net(spiking)
    hook.remove()

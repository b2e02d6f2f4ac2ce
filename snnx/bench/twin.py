"""The networks whose training steps are measured, and the twins that each is compared with."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import torch
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import ATan
from torch import nn

from snnx.backbone.compiled import compile_training
from snnx.backbone.recompute import recompute_blocks
from snnx.neuron.lif import LIF
from snnx.neuron.packed_spikes import pack_spikes


class Twin(NamedTuple):
    """What is measured of a network: its neurons, and what is changed in it."""

    neuron: Callable[[], nn.Module]
    changes: tuple[Callable[[nn.Module], object], ...] = ()
    """Functions that change the network before it is measured, such as `pack_spikes`."""
    build: Callable[..., nn.Module] | None = None
    """What builds it, if it is another network, such as SpikingJelly's of the same name."""
    matmul: str = "highest"
    """How a GPU computes float32 products and convolutions; `high` is with TF32."""
    parts: int = 1
    """The batch is split into so many parts, and their gradients are added up before the optimizer's step."""


def channels_last(network: nn.Module) -> None:
    """Keep weights and feature maps as `[B, H, W, C]` in memory."""
    network.to(memory_format=torch.channels_last)


BASELINE = "ReLU"
SPIKINGJELLY_TWIN = Twin(partial(LIFNode, step_mode="m", surrogate_function=ATan()))
TWINS = {
    BASELINE: Twin(nn.ReLU),
    "snnx LIF": Twin(LIF),
    "snnx LIF, packed spikes": Twin(LIF, (pack_spikes,)),
    "snnx LIF, packed spikes, blocks recomputed": Twin(LIF, (pack_spikes, recompute_blocks)),
    "SpikingJelly LIF": SPIKINGJELLY_TWIN,
}
PLAIN = {name: TWINS[name] for name in (BASELINE, "snnx LIF")}
LAYOUT = {"ReLU, channels_last": Twin(nn.ReLU, (channels_last,)), "snnx LIF, channels_last": Twin(LIF, (channels_last,))}
HALVES = {"snnx LIF, gradients of two halves added": Twin(LIF, parts=2)}
COMPILED = {"ReLU, compiled": Twin(nn.ReLU, (compile_training,)), "snnx LIF, compiled": Twin(LIF, (compile_training,))}


def spikingjelly_network(build: Callable[..., nn.Module]) -> dict[str, Twin]:
    """SpikingJelly's own network, with SpikingJelly's neuron."""
    return {"SpikingJelly's network and LIF": SPIKINGJELLY_TWIN._replace(build=build)}


class Network(NamedTuple):
    """A backbone, the shape of its input, and its twins."""

    name: str
    build: Callable[..., nn.Module]
    shape: tuple[int, ...]
    """`[T, B, C, H, W]`."""
    twins: Mapping[str, Twin] = TWINS
    """What is measured of it, by name, with the baseline first."""

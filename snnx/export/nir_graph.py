"""A network of convolutions, linear layers, averages and integrate-and-fire neurons as a NIR graph."""

from itertools import pairwise

import nir
import numpy as np
import torch
from torch import nn

from snnx.export.chain import ChainLink, chain
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF

DT = 1e-4
"""Seconds of a time step: what snnTorch and SpikingJelly take for one; other simulators must be told."""
HAS_RESET = "v_reset" in nir.LIF.__dataclass_fields__  # later versions of nir than 1.0.4
PAIR = (nn.Conv2d, nn.AvgPool2d)


def nir_graph(network: nn.Module, in_shape: tuple[int, int, int]) -> nir.NIRGraph:
    """The graph of `network`, from currents or spikes `[C, H, W]` a step to scores a step.

        Conv2d, Linear            nir.Conv2d, nir.Affine                  batch norm folded, no bias is a bias of 0
        AvgPool2d, flattening     nir.AvgPool2d, nir.Flatten
        IF                        nir.IF(r=1/dt)                          h = v + x
        LIF, PLIF  decay_input    nir.LIF(tau=tau*dt, r=1)                h = v + (v_leak - v + x) / tau
                   otherwise      nir.LIF(tau=tau*dt, r=tau)              h = v + (v_leak - v + tau*x) / tau

    NIR's neurons are differential equations; a step of `dt` forward is ours. They fire above their threshold and ours at it, so
    the threshold that is written is the next smaller number in float32. A hard reset to 0 is what simulators do whose version
    of NIR has no place for another.

    Args:
        network: takes `[T, B, C, H, W]`.
        in_shape: `(C, H, W)` of its input.

    Raises:
        ValueError: one line with the first thing that NIR has no node for, or that `chain` refuses.

    Source: Pedersen et al., Neuromorphic intermediate representation, Nature Communications 2024, and its reference package.
    """
    links = chain(network, in_shape)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input({"input": np.array(in_shape)})}
    makes = tuple(in_shape)
    for link in links:
        if link.reads != makes:  # the same memory in another shape, which is what flattening is
            nodes[f"flatten_{_name(link)}"] = nir.Flatten({"input": np.array(makes)}, 0, -1)
        nodes[_name(link)] = _node(link)
        makes = link.makes
    nodes["output"] = nir.Output({"output": np.array(makes)})
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(nodes)))


def _name(link: ChainLink) -> str:
    return link.name.replace(".", "_")


def _node(link: ChainLink) -> nir.NIRNode:
    module = link.module
    if isinstance(module, nn.Conv2d):
        if module.padding_mode != "zeros":
            raise ValueError(f"{link.name}: NIR has no node for padding with {module.padding_mode}")
        if isinstance(module.padding, str):
            raise ValueError(f"{link.name}: padding must be in numbers, so that every reader knows them; got {module.padding}")
        bias = torch.zeros(module.out_channels) if module.bias is None else module.bias
        places = (module.stride, module.padding, module.dilation)
        return nir.Conv2d(tuple(link.reads[1:]), _array(module.weight), *places, module.groups, _array(bias))
    if isinstance(module, nn.Linear):
        if len(link.reads) != 1:
            raise ValueError(f"{link.name}: NIR has no node for a linear layer over tokens; got an input of {list(link.reads)}")
        bias = torch.zeros(module.out_features) if module.bias is None else module.bias
        return nir.Affine(_array(module.weight), _array(bias))
    if isinstance(module, nn.AvgPool2d):
        if module.ceil_mode or not module.count_include_pad or module.divisor_override:
            raise ValueError(
                f"{link.name}: NIR has no node for an average with ceil_mode, without its padding, or another divisor"
            )
        return nir.AvgPool2d(*(np.array(_pair(value)) for value in (module.kernel_size, module.stride, module.padding)))
    if isinstance(module, Node):
        return _neuron(link, module)
    raise ValueError(f"{link.name}: NIR has no node for {type(module).__name__}")


def _neuron(link: ChainLink, neuron: Node) -> nir.NIRNode:
    kind = type(neuron)
    if kind not in (IF, LIF, PLIF):
        raise ValueError(
            f"{link.name}: NIR has no neuron with the equation of {kind.__name__}; it has those of IF, LIF and PLIF"
        )
    if neuron.v_reset is None:
        raise ValueError(
            f"{link.name}: simulators that read NIR reset to a value; got a soft reset, which subtracts the threshold"
        )
    if neuron.v_reset and not HAS_RESET:
        raise ValueError(f"{link.name}: nir {nir.__version__} resets to 0; got v_reset={neuron.v_reset}: install a later nir")
    below = np.nextafter(np.float32(neuron.v_threshold), np.float32(-np.inf))
    shape, reset = link.makes, neuron.v_reset
    place = {"v_reset": _full(shape, reset)} if HAS_RESET else {}
    if kind is IF:
        return nir.IF(r=_full(shape, 1 / DT), v_threshold=_full(shape, below), **place)
    tau = float(neuron.tau)
    r = 1.0 if neuron.decay_input else tau
    return nir.LIF(
        tau=_full(shape, tau * DT, np.float64),
        r=_full(shape, r),
        v_leak=_full(shape, reset),
        v_threshold=_full(shape, below),
        **place,
    )


def _full(shape: tuple[int, ...], value: float, dtype: type = np.float32) -> np.ndarray:
    return np.full(shape, value, dtype=dtype)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()

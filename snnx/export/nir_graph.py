"""Converts a network of convolutions, linear layers, average pooling and integrate-and-fire neurons to a NIR graph."""

from itertools import pairwise

import nir
import numpy as np
import torch
from torch import nn

from snnx.export.layer_chain import ChainLink, layer_chain
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF

DT = 1e-4
"""Seconds per time step in the graph. snnTorch and SpikingJelly assume this value; set it explicitly in other simulators."""
HAS_RESET = "v_reset" in nir.LIF.__dataclass_fields__  # true for versions of nir later than 1.0.4


def nir_graph(network: nn.Module, in_shape: tuple[int, int, int]) -> nir.NIRGraph:
    """Build the graph of `network`; at each time step it maps currents or spikes `[C, H, W]` to scores.

        Conv2d, Linear            nir.Conv2d, nir.Affine                  batch norm folded, no bias is a bias of 0
        AvgPool2d, flattening     nir.AvgPool2d, nir.Flatten
        IF                        nir.IF(r=1/dt)                          h = v + x
        LIF, PLIF  decay_input    nir.LIF(tau=tau*dt, r=1)                h = v + (v_leak - v + x) / tau
                   otherwise      nir.LIF(tau=tau*dt, r=tau)              h = v + (v_leak - v + tau*x) / tau

    NIR defines neurons by differential equations; an Euler step of `dt` gives ours. NIR's neurons fire above their threshold,
    ours already at it, so the threshold in the graph is the next smaller number in float32. Versions of nir without `v_reset`
    always reset to 0.

    Args:
        network: takes `[T, B, C, H, W]`.
        in_shape: `(C, H, W)` of its input.

    Raises:
        ValueError: the network is not a chain, see `layer_chain`, or has a layer or neuron for which NIR has no node.

    Source: Pedersen et al., Neuromorphic intermediate representation, Nature Communications 2024, and its reference package.
    """
    links = layer_chain(network, in_shape)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input({"input": np.array(in_shape)})}
    shape = tuple(in_shape)
    for link in links:
        if link.in_shape != shape:  # the same memory in another shape: the network flattens here
            nodes[f"flatten_{_name(link)}"] = nir.Flatten({"input": np.array(shape)}, 0, -1)
        nodes[_name(link)] = _node(link)
        shape = link.out_shape
    nodes["output"] = nir.Output({"output": np.array(shape)})
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(nodes)))


def _name(link: ChainLink) -> str:
    return link.name.replace(".", "_")


def _node(link: ChainLink) -> nir.NIRNode:
    module = link.module
    if isinstance(module, nn.Conv2d):
        if module.padding_mode != "zeros":
            raise ValueError(f"{link.name}: NIR has no node for padding with {module.padding_mode}")
        if isinstance(module.padding, str):
            raise ValueError(
                f"{link.name}: padding must be a number of pixels, as every NIR reader expects; got {module.padding}"
            )
        bias = torch.zeros(module.out_channels) if module.bias is None else module.bias
        geometry = (module.stride, module.padding, module.dilation)
        return nir.Conv2d(tuple(link.in_shape[1:]), _array(module.weight), *geometry, module.groups, _array(bias))
    if isinstance(module, nn.Linear):
        if len(link.in_shape) != 1:
            shape = list(link.in_shape)
            raise ValueError(f"{link.name}: NIR has no node for a linear layer over tokens; got an input of shape {shape}")
        bias = torch.zeros(module.out_features) if module.bias is None else module.bias
        return nir.Affine(_array(module.weight), _array(bias))
    if isinstance(module, nn.AvgPool2d):
        if module.ceil_mode or not module.count_include_pad or module.divisor_override:
            raise ValueError(
                f"{link.name}: NIR has no node for average pooling with ceil_mode, uncounted padding or another divisor"
            )
        return nir.AvgPool2d(*(np.array(_pair(value)) for value in (module.kernel_size, module.stride, module.padding)))
    if isinstance(module, Node):
        return _neuron(link, module)
    raise ValueError(f"{link.name}: NIR has no node for {type(module).__name__}")


def _neuron(link: ChainLink, neuron: Node) -> nir.NIRNode:
    kind = type(neuron)
    if kind not in (IF, LIF, PLIF):
        raise ValueError(f"{link.name}: NIR has no neuron with the equation of {kind.__name__}; use IF, LIF or PLIF")
    if neuron.v_reset is None:
        raise ValueError(
            f"{link.name}: v_reset must be a number, because NIR has no soft reset; got None, which subtracts the threshold"
        )
    if neuron.v_reset and not HAS_RESET:
        raise ValueError(
            f"{link.name}: v_reset must be 0 with nir {nir.__version__}; got {neuron.v_reset}: install a later version of nir"
        )
    below = np.nextafter(np.float32(neuron.v_threshold), np.float32(-np.inf))
    shape, reset = link.out_shape, neuron.v_reset
    v_reset = {"v_reset": _full(shape, reset)} if HAS_RESET else {}
    if kind is IF:
        return nir.IF(r=_full(shape, 1 / DT), v_threshold=_full(shape, below), **v_reset)
    tau = float(neuron.tau)
    r = 1.0 if neuron.decay_input else tau
    return nir.LIF(
        tau=_full(shape, tau * DT, np.float64),
        r=_full(shape, r),
        v_leak=_full(shape, reset),
        v_threshold=_full(shape, below),
        **v_reset,
    )


def _full(shape: tuple[int, ...], value: float, dtype: type = np.float32) -> np.ndarray:
    return np.full(shape, value, dtype=dtype)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()

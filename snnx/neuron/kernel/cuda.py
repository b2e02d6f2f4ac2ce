"""Finds the fused CUDA kernel of a neuron, which is SpikingJelly's own, for the neurons and surrogates that it supports."""

from collections.abc import Callable

from spikingjelly.activation_based.functional import if_multi_step, lif_multi_step, plif_multi_step
from spikingjelly.activation_based.surrogate import ATan, PiecewiseQuadratic, Sigmoid, SoftSign
from torch import Tensor

from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF

FUSED = (ATan, PiecewiseQuadratic, Sigmoid, SoftSign)


def sequence(node: Node) -> Callable | None:
    """Return a function `run(x, v) -> None, s, v` for `node`, or `None` if SpikingJelly has no kernel that can be used.

    It has none for KLIF, for example, and its kernels do not return the potentials that a probe needs.

    Example:
        >>> import torch
        >>> _, s, v = sequence(LIF(tau=2))(torch.full((4, 1), 1.5), torch.zeros(1))
        >>> s.squeeze().tolist(), v.item()
        ([0.0, 1.0, 0.0, 1.0], 0.0)
    """
    if type(node) not in (IF, LIF, PLIF) or type(node.surrogate_function) not in FUSED or node.probe is not None:
        return None
    common = (node.v_threshold, node.v_reset, node.surrogate_function, node.detach_reset)

    def run(x: Tensor, v: Tensor):
        if type(node) is IF:
            s, v, _ = if_multi_step(x, v, *common)
        elif type(node) is LIF:
            s, v, _ = lif_multi_step(x, v, node.tau, node.decay_input, *common)
        else:
            s, v, _ = plif_multi_step(x, v, node.w, node.decay_input, *common)
        return None, s, v

    return run

"""The compiled kernel of a node: its equations looked up by exact type, so that a subclass runs on its own definition."""

from collections.abc import Callable

import torch
from spikingjelly.activation_based.surrogate import ATan, PiecewiseQuadratic, Rect, Sigmoid, SoftSign
from torch import Tensor

from snnx.neuron.if_ import IF
from snnx.neuron.kernel import charge, discharge, slope
from snnx.neuron.kernel.multistep import Kernel, MultiStep
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF
from snnx.surrogate.fast_sigmoid import FastSigmoid

SLOPES = {
    ATan: slope.arctan,
    Sigmoid: slope.sigmoid,
    SoftSign: slope.soft_sign,
    PiecewiseQuadratic: slope.triangle,
    Rect: slope.rectangle,
    FastSigmoid: slope.fast_sigmoid,
}
CHARGES = {
    IF: (charge.if_, charge.if_back),
    LIF: (charge.lif, charge.lif_back),
    PLIF: (charge.plif, charge.plif_back),
    KLIF: (charge.klif_after, charge.klif_after_back),
}
BEFORE_CHARGE = (charge.klif_before, charge.klif_before_back)
HARD = (discharge.hard, discharge.hard_back)
SOFT = (discharge.soft, discharge.soft_back)
HARD_SCALED = (discharge.hard_scaled, discharge.hard_scaled_back)
SOFT_SCALED = (discharge.soft_scaled, discharge.soft_scaled_back)
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def sequence(node: Node, x: Tensor) -> Callable | None:
    """`run(x, v) -> h, s, v` for `node`, or `None` if its equation or its surrogate has no kernel.

    Input of lower precision is widened first, as the definition does when it meets a float32 potential.
    """
    surrogate = node.surrogate_function
    known = type(node) in CHARGES and type(surrogate) in SLOPES and x.dtype in DTYPES
    if not known or not surrogate.spiking or not isinstance(surrogate.alpha, int | float):
        return None
    k = learnt(node)
    if k is not None and (k.dtype != torch.float32 or k.device != x.device):
        return None
    charge_pair = CHARGES[type(node)]
    scaled = False
    if type(node) is KLIF:
        charge_pair = charge_pair if node.after_charge else BEFORE_CHARGE
        scaled = node.scale_reset
    soft = node.v_reset is None
    discharge_pair = (SOFT_SCALED if scaled else SOFT) if soft else (HARD_SCALED if scaled else HARD)
    kernel = Kernel(
        *charge_pair,
        *discharge_pair,
        slope=SLOPES[type(surrogate)],
        decays=getattr(node, "decay_input", False),
        detached=node.detach_reset,
        tau=getattr(node, "tau", 1.0),
        v_threshold=node.v_threshold,
        scaled_threshold=(node.v_threshold / k.detach()).item() if scaled else node.v_threshold,
        v_reset=node.v_reset or 0.0,
        alpha=surrogate.alpha,
    )
    watched = node.probe is not None

    def run(x: Tensor, v: Tensor):
        s, v, h = MultiStep.apply(x.float(), v, k, kernel, watched)
        return h, s, v

    return run


def learnt(node: Node) -> Tensor | None:
    """The number the layer has learnt, as its charge uses it; autograd takes the gradient from there to the parameter."""
    if type(node) is PLIF:
        return node.w.sigmoid()
    return node.k if type(node) is KLIF else None

"""Finds the compiled CPU kernel of a neuron.

The kernel is looked up by the exact type, so that a subclass with other equations is never run on its parent's kernel.
"""

from collections.abc import Callable

import torch
from spikingjelly.activation_based.surrogate import ATan, PiecewiseQuadratic, Rect, Sigmoid, SoftSign
from torch import Tensor

from snnx.neuron.if_ import IF
from snnx.neuron.kernel import charge, discharge, slope
from snnx.neuron.kernel.multistep import Kernel, MultiStep
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.lif_delayed import LIFDelayed
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF
from snnx.neuron.ttfs import TTFS
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
    LIFDelayed: (charge.lif, charge.lif_back),
    PLIF: (charge.plif, charge.plif_back),
    KLIF: (charge.klif_after, charge.klif_after_back),
    TTFS: (charge.lif, charge.lif_back),
}
BEFORE_CHARGE = (charge.klif_before, charge.klif_before_back)
NO_RESET = (discharge.none, discharge.none_back)
HARD = (discharge.hard, discharge.hard_back)
SOFT = (discharge.soft, discharge.soft_back)
SOFT_DELAYED = (discharge.soft_delayed, discharge.soft_delayed_back)
HARD_SCALED = (discharge.hard_scaled, discharge.hard_scaled_back)
SOFT_SCALED = (discharge.soft_scaled, discharge.soft_scaled_back)
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def sequence(node: Node, x: Tensor) -> Callable | None:
    """Return a function `run(x, *states) -> h, s, *states` for `node`, or `None` if its equations have no kernel."""
    surrogate = node.surrogate_function
    known = type(node) in CHARGES and type(surrogate) in SLOPES and x.dtype in DTYPES
    if not known or not surrogate.spiking or not isinstance(surrogate.alpha, int | float):
        return None
    once = type(node) is TTFS
    if once and node.force_last_spike:
        return None
    k = learned(node)
    if k is not None and (k.dtype != torch.float32 or k.device != x.device):
        return None
    scaled = type(node) is KLIF and node.scale_reset
    kernel = Kernel(
        *charge_of(node),
        *discharge_of(node, scaled),
        slope=SLOPES[type(surrogate)],
        decays=getattr(node, "decay_input", False),
        once=once,
        detached=node.detach_mask if once else node.detach_reset,
        tau=getattr(node, "tau", None) or 1.0,
        v_threshold=node.v_threshold,
        scaled_threshold=(node.v_threshold / k.detach()).item() if scaled else getattr(node, "subtracted", node.v_threshold),
        v_reset=node.v_reset or 0.0,
        alpha=surrogate.alpha,
    )
    watched = node.probe is not None

    def run(x: Tensor, v: Tensor, fired: Tensor | None = None):
        return MultiStep.apply(x, v, fired, k, kernel, watched)

    return run


def charge_of(node: Node) -> tuple[Callable, Callable]:
    """Return the functions for the neuron's charge and for its gradient."""
    if type(node) is KLIF and not node.after_charge:
        return BEFORE_CHARGE
    if type(node) is TTFS and node.tau is None:
        return CHARGES[IF]
    return CHARGES[type(node)]


def discharge_of(node: Node, scaled: bool) -> tuple[Callable, Callable]:
    """Return the functions for the neuron's reset and for its gradient."""
    if type(node) is TTFS:
        return NO_RESET
    if type(node) is LIFDelayed:
        return SOFT_DELAYED
    if node.v_reset is None:
        return SOFT_SCALED if scaled else SOFT
    return HARD_SCALED if scaled else HARD


def learned(node: Node) -> Tensor | None:
    """Return the learned number that the charge uses, such as PLIF's sigmoid(w), or `None`.

    The kernel computes the gradient of this number, and autograd continues from it to the parameter.
    """
    if type(node) is PLIF:
        return node.w.sigmoid()
    return node.k if type(node) is KLIF else None

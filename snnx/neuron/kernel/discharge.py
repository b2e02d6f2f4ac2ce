"""The resets of `snnx.neuron` for one neuron and one step, in float32, and their gradients.

    v          = discharge(h, s, c)
    gh, gs, gk = back(g, h, s, c)                  g = dL/dv

The `_scaled` functions are for KLIF's `scale_reset`, and `soft_delayed` is for LIFDelayed. TTFS has no reset.
"""

from numba.extending import register_jitable

from snnx.neuron.kernel.constants import ONE, ZERO


@register_jitable
def none(h, s, c):
    return h


@register_jitable
def none_back(g, h, s, c):
    return g, ZERO, ZERO


@register_jitable
def hard(h, s, c):
    return (ONE - s) * h + c.v_reset * s


@register_jitable
def hard_back(g, h, s, c):
    return g * (ONE - s), g * (c.v_reset - h), ZERO


@register_jitable
def soft(h, s, c):
    return h - c.v_threshold * s


@register_jitable
def soft_back(g, h, s, c):
    return g, -g * c.v_threshold, ZERO


@register_jitable
def soft_delayed(h, s, c):
    return h - c.scaled_threshold * s


@register_jitable
def soft_delayed_back(g, h, s, c):
    return g, -g * c.scaled_threshold, ZERO


@register_jitable
def hard_scaled(h, s, c):
    return (ONE - s) * (h / c.k) + c.v_reset * s


@register_jitable
def hard_scaled_back(g, h, s, c):
    scaled = h / c.k
    gh = g * (ONE - s) / c.k
    return gh, g * (c.v_reset - scaled), -gh * scaled


@register_jitable
def soft_scaled(h, s, c):
    return h / c.k - c.scaled_threshold * s


@register_jitable
def soft_scaled_back(g, h, s, c):
    gh = g / c.k
    return gh, -g * c.scaled_threshold, -gh * (h / c.k - c.scaled_threshold * s)

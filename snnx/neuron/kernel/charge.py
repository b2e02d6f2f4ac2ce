"""The charges of `snnx.neuron` for one neuron and one step, in float32, and their gradients.

    h          = charge(x, v, c, decays)
    gx, gv, gk = back(g, x, v, c, decays)          g = dL/dh

`c` holds the layer's constants; `decays` is `decay_input`, which is known when the kernel is compiled. The operations,
divisions included, have the order of the definition: a spike results from a comparison, so another rounding could change it.
"""

from numba.extending import register_jitable

from snnx.neuron.kernel.constants import ZERO


@register_jitable
def if_(x, v, c, decays):
    return v + x


@register_jitable
def if_back(g, x, v, c, decays):
    return g, g, ZERO


@register_jitable
def lif(x, v, c, decays):
    if decays:
        return v + (x - (v - c.v_reset)) / c.tau
    return v - (v - c.v_reset) / c.tau + x


@register_jitable
def lif_back(g, x, v, c, decays):
    leaked = g * c.leak
    return leaked if decays else g, g - leaked, ZERO


@register_jitable
def plif(x, v, c, decays):
    if decays:
        return v + (x - (v - c.v_reset)) * c.k
    return v - (v - c.v_reset) * c.k + x


@register_jitable
def plif_back(g, x, v, c, decays):
    leaked = g * c.k
    if decays:
        return leaked, g - leaked, g * (x - (v - c.v_reset))
    return g, g - leaked, -g * (v - c.v_reset)


@register_jitable
def relu(a):
    return ZERO if a <= ZERO else a  # written so that NaN stays NaN


@register_jitable
def relu_back(g, a):
    return ZERO if a <= ZERO else g


@register_jitable
def klif_after(x, v, c, decays):
    return relu(c.k * lif(x, v, c, decays))


@register_jitable
def klif_after_back(g, x, v, c, decays):
    charged = lif(x, v, c, decays)
    g = relu_back(g, c.k * charged)
    gx, gv, _ = lif_back(g * c.k, x, v, c, decays)
    return gx, gv, g * charged


@register_jitable
def klif_before(x, v, c, decays):
    return lif(x, relu(c.k * v), c, decays)


@register_jitable
def klif_before_back(g, x, v, c, decays):
    gain = c.k * v
    gx, gv, _ = lif_back(g, x, relu(gain), c, decays)
    gv = relu_back(gv, gain)
    return gx, gv * c.k, gv * v

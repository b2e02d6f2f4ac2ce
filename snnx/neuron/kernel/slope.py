"""The slopes of the surrogates: `slope(u, alpha)` at `u = h - v_threshold`, in float32.

Each equals its surrogate's backward to 1e-6 of its peak. What depends on `alpha` alone is worked out in float64, once.
"""

import math

import numpy as np
from numba.extending import register_jitable

from snnx.neuron.kernel.constants import ONE, ZERO
from snnx.neuron.kernel.exponential import exponential


@register_jitable
def arctan(u, alpha):
    z = np.float32(math.pi / 2 * alpha) * u
    return np.float32(alpha / 2) / (ONE + z * z)


@register_jitable
def sigmoid(u, alpha):
    z = np.float32(alpha) * u
    e = exponential(-abs(z))  # the exponent is never positive
    p = (ONE if z >= ZERO else e) / (ONE + e)
    return (ONE - p) * p * np.float32(alpha)


@register_jitable
def soft_sign(u, alpha):
    z = np.float32(1 / alpha) + abs(u)
    return ONE / (np.float32(2 * alpha) * z * z)


@register_jitable
def triangle(u, alpha):
    return ZERO if abs(u) > np.float32(1 / alpha) else np.float32(alpha) - np.float32(alpha * alpha) * abs(u)


@register_jitable
def rectangle(u, alpha):
    return np.float32(alpha) if abs(u) < np.float32(0.5 / alpha) else ZERO


@register_jitable
def fast_sigmoid(u, alpha):
    z = ONE + np.float32(alpha) * abs(u)
    return ONE / (z * z)

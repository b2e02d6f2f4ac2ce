"""The slopes of the surrogates: `slope(u, alpha)` at `u = h - v_threshold`, in float32.

Each agrees with its surrogate's backward within 1e-6 of the peak. Factors that depend on `alpha` alone are computed in float64.
"""

import math

import numpy as np

from snnx.neuron.kernel.constants import ONE, ZERO
from snnx.neuron.kernel.exponential import exponential, fused


@fused
def arctan(u, alpha):
    z = np.float32(math.pi / 2 * alpha) * u
    return np.float32(alpha / 2) / (ONE + z * z)


@fused
def sigmoid(u, alpha):
    z = np.float32(alpha) * u
    e = exponential(-abs(z))  # the exponent is never positive
    p = (ONE if z >= ZERO else e) / (ONE + e)
    return (ONE - p) * p * np.float32(alpha)


@fused
def soft_sign(u, alpha):
    z = np.float32(1 / alpha) + abs(u)
    return ONE / (np.float32(2 * alpha) * z * z)


@fused
def triangle(u, alpha):
    return ZERO if abs(u) > np.float32(1 / alpha) else np.float32(alpha) - np.float32(alpha * alpha) * abs(u)


@fused
def rectangle(u, alpha):
    return np.float32(alpha) if abs(u) < np.float32(0.5 / alpha) else ZERO


@fused
def fast_sigmoid(u, alpha):
    z = ONE + np.float32(alpha) * abs(u)
    return ONE / (z * z)

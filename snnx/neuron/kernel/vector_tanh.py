"""A float32 hyperbolic tangent that compiles to vector instructions, which a call of the C library's `tanhf` would prevent."""

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from snnx.neuron.kernel.choose import choose
from snnx.neuron.kernel.vector_exp import ONE, fused, vector_exp

SMALL = 0.5
"""Below it, a polynomial has the smaller error, since the other form is the difference of two numbers that are almost equal."""
ROOTS = np.sqrt((Chebyshev.basis(6).roots() + 1) / 2) * SMALL
"""The points at which the polynomial is exact: their squares are the Chebyshev points between 0 and `SMALL**2`."""
C0, C1, C2, C3, C4, C5 = Polynomial.fit(ROOTS**2, np.tanh(ROOTS) / ROOTS, 5).convert().coef.astype(np.float32)
BOUND, TWO = np.float32(SMALL**2), np.float32(2)


@fused
def vector_tanh(y):
    """Return `tanh(y)` with a relative error of at most 3e-7.

    The equation::

        tanh(y) = y * (C0 + C1*y^2 + ... + C5*y^10)     if |y| < 1/2
                  1 - 2/(exp(2*y) + 1)                  otherwise
    """
    z = y * y
    polynomial = y * (C0 + z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * C5)))))
    return choose(z < BOUND, polynomial, ONE - TWO / (vector_exp(TWO * y) + ONE))

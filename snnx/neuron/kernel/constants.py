"""The constants of one layer that its kernel needs besides the tensors."""

from typing import NamedTuple

import numpy as np

ZERO = np.float32(0)
ONE = np.float32(1)
"""In compiled code a bare 1.0 is float64 and would widen everything it touches."""


class Constants(NamedTuple):
    """The constants of one layer; all are float32 except `alpha`."""

    tau: np.float32
    leak: np.float32
    """1/tau, for gradients only: the charge divides, as the definition does."""
    k: np.float32
    """PLIF's sigmoid(w), KLIF's k."""
    v_threshold: np.float32
    scaled_threshold: np.float32
    """v_threshold/k as torch rounds it, or v_threshold/beta: what a reset subtracts where that is not the threshold."""
    v_reset: np.float32
    """Where a hard reset leads and where a leak ends; 0 for a soft reset."""
    alpha: np.float64

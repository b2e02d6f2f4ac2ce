"""The constants of one layer that its kernel needs besides the tensors."""

from typing import NamedTuple

import numpy as np

ZERO = np.float32(0)
ONE = np.float32(1)
"""A literal 1.0 in compiled code is float64 and would turn everything it is combined with into float64."""


class Constants(NamedTuple):
    """The constants of one layer; all are float32 except `alpha`."""

    tau: np.float32
    leak: np.float32
    """`1/tau`, for gradients only, since the charge divides by `tau` as the definition does."""
    k: np.float32
    """The learned number: sigmoid(w) of PLIF or k of KLIF."""
    v_threshold: np.float32
    scaled_threshold: np.float32
    """What a reset subtracts if that is not `v_threshold`: `v_threshold/k`, rounded as by torch, or `v_threshold/beta`."""
    v_reset: np.float32
    """Potential after a hard reset, to which the leak decays too; 0 for a soft reset."""
    alpha: np.float64

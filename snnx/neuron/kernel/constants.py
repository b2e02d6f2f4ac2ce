"""The literals of compiled code: a literal 1.0 is float64 there and would turn everything it is combined with into float64."""

import numpy as np

ZERO = np.float32(0)
ONE = np.float32(1)

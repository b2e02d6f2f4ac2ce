"""A ReLU whose output has few bits: the reference for the energy of a spiking network."""

from snnx.layer.clipped import Clipped


class QuantisedReLU(Clipped):
    """ReLU with a learned upper bound, rounded to numbers of `bits` bits, also in training.

        levels = 2^bits - 1
        y = ceiling * floor(levels*clamp(x/ceiling, 0, 1) + 1/2) / levels         backward: floor is the identity

    A rate over T steps takes the T + 1 values 0, 1/T, .. 1, which `ceil(log2(T + 1))` bits can represent. So a network with
    this many bits can transmit in one step what the spiking network transmits in T steps. For T = 1, 2, 4
    and 8 these are 1, 2, 3 and 4 bits.

    Shape:
        any to the same.

    Args:
        bits: number of bits of an activation, from 1 to 16.
        ceiling: upper bound at the start of training, > 0; one learned number per layer.

    Raises:
        ValueError: `bits` or `ceiling` is out of range.

    Source: Yan et al., Reconsidering the energy efficiency of spiking neural networks (arXiv 2409.08290), for the number of
        bits; the activation is that of QCFS, see `Clipped`.

    Example:
        >>> import torch
        >>> QuantisedReLU(bits=2, ceiling=3.0)(torch.tensor([-1.0, 0.4, 0.6, 2.2, 9.0])).tolist()
        [0.0, 0.0, 1.0, 2.0, 3.0]
    """

    def __init__(self, *, bits: int = 3, ceiling: float = 4.0) -> None:
        if not 1 <= bits <= 16:
            raise ValueError(f"QuantisedReLU: bits must be from 1 to 16; got {bits}")
        if not ceiling > 0:
            raise ValueError(f"QuantisedReLU: ceiling must be positive; got {ceiling}")
        super().__init__(levels=2**bits - 1, ceiling=ceiling)
        self.bits = bits

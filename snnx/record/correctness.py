"""Packs which samples a network classified correctly, one bit per sample, for results and records."""

import base64
import binascii

import numpy as np


def pack(correct: np.ndarray) -> str:
    """Pack the correctness of `N` samples into text: eight samples in a byte, the first in the highest bit, in base 64.

    10,000 samples take 1,668 characters.

    Args:
        correct: for each sample whether it was classified correctly, `[N]` of 0 and 1 or of booleans.

    Example:
        >>> pack(np.array([1, 1, 0, 1]))  # 1101 0000
        '0A=='
    """
    return base64.b64encode(np.packbits(correct.astype(bool))).decode("ascii")


def unpack(text: str, samples: int) -> np.ndarray:
    """Return the correctness of each sample from the text that `pack` made, as `[samples]` of 0 and 1.

    Raises:
        ValueError: the text does not hold this number of samples.

    Example:
        >>> unpack("0A==", 4)
        array([1, 1, 0, 1], dtype=uint8)
    """
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"correctness must be bits in base 64; {error}") from None
    if len(packed) != -(-samples // 8):
        raise ValueError(f"correctness of {samples} samples must have {-(-samples // 8)} bytes; got {len(packed)}")
    return np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=samples)

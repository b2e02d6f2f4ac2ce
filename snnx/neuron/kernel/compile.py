"""Compiles a loop once for all processes."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from numba import cfunc, types

from snnx.neuron.kernel.launch import RECORD

SOURCES = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()
"""Changes whenever a file of this folder changes. numba's cache on disk checks only the file that contains a loop; a loop that
has this value in its closure is compiled again after a change of any of them."""

SIGNATURE = types.void(types.CPointer(RECORD))


def compiled(loop: Callable):
    """Compile `loop` to machine code, or load it from numba's cache on disk; each process compiles if no cache is writable."""
    try:
        return cfunc(SIGNATURE, error_model="numpy", cache=True)(loop)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return cfunc(SIGNATURE, error_model="numpy")(loop)

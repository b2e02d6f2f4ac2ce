"""Compiles a loop once for all processes."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from numba import cfunc, types

from snnx.neuron.kernel.launch import RECORD

SOURCES = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()
"""numba's cache on disk watches only the file that a loop stands in; a loop that names this in its closure is compiled anew
when any of them changes."""

SIGNATURE = types.void(types.CPointer(RECORD))


def compiled(loop: Callable):
    """Compile `loop` to machine code, or load it from numba's cache on disk; without a writable cache it is compiled anew."""
    try:
        return cfunc(SIGNATURE, error_model="numpy", cache=True)(loop)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return cfunc(SIGNATURE, error_model="numpy")(loop)

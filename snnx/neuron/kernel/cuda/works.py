"""Finds out whether Triton can compile and run kernels on this machine."""

import warnings
from functools import cache

import torch

from snnx.neuron.kernel.cuda.render import module_of

TRIVIAL = """import triton
import triton.language as tl

@triton.jit
def double(x, count, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    values = ()
    for i in tl.static_range(2):
        values = values + (tl.load(x + at, at < count, other=0.0),)
    tl.store(x + at, values[0] + values[1], at < count)
"""


@cache
def trouble(device: torch.device) -> str | None:
    """Return `None` if a trivial kernel computes correctly on the device, else the reason; the first time, also warn."""
    try:
        x = torch.ones(3, device=device)
        with torch.cuda.device_of(x):
            module_of(TRIVIAL).double[(1,)](x, 3, BLOCK=4)
        if x.tolist() == [2.0, 2.0, 2.0]:
            return None
        reason = f"it computed {x.tolist()} instead of [2.0, 2.0, 2.0]"
    except torch.OutOfMemoryError:  # the card is full now, which says nothing about Triton
        raise
    except Exception as error:  # no Triton, no C compiler, no driver, or a Triton that is too old
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    reason = f"Triton does not work on {device} ({reason})"
    warnings.warn(f"{reason}; neurons run step by step there, which is several times slower", stacklevel=2)
    return reason

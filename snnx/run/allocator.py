"""How a run gets the memory of its tensors."""

import ctypes

import torch

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
LARGEST = 2**30
NEVER = -1


def keep_memory() -> None:
    """Let this process keep the memory that it frees, and not fill tensors that are about to be written.

    glibc gives every tensor above 32 MiB back to the system, and the next step then pays for all its pages again: without this
    a training step of a small convolutional network over 8 time steps takes half as long again. Elsewhere than on glibc
    nothing is done. Filling is torch's way of finding reads of memory that nobody wrote, when its algorithms are told to be
    deterministic; it changes no result.

    Example:
        >>> keep_memory()
        >>> torch.utils.deterministic.fill_uninitialized_memory
        False
    """
    torch.utils.deterministic.fill_uninitialized_memory = False
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, NEVER)

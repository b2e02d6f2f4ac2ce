"""The most memory that this process has used, of the machine and of its GPUs."""

import resource

import torch


def peak_memory_mb() -> int:
    """Return the most main memory that this process has used, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def gpu_peak_memory_mb() -> int | None:
    """Return the most memory, in MB, that this process's tensors have used on a GPU; `None` without one."""
    if not torch.cuda.is_initialized():
        return None
    return round(max(torch.cuda.max_memory_allocated(card) for card in range(torch.cuda.device_count())) / 2**20)

"""What this machine has for the runs of a sweep."""

import os
from collections.abc import Sequence


def cores() -> int:
    """How many cores the sweep may use: OMP_NUM_THREADS where it is set, else those this process may run on."""
    stated = os.environ.get("OMP_NUM_THREADS", "")
    return int(stated) if stated.isdigit() and int(stated) else len(os.sched_getaffinity(0))


def gpus() -> list[str]:
    """The GPUs that the sweep may use, by the names that CUDA_VISIBLE_DEVICES takes."""
    import torch

    count = torch.cuda.device_count()  # asks the driver and starts nothing
    stated = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return stated[:count] if stated else [str(number) for number in range(count)]


def freest(cards: Sequence[str], taken: Sequence[str | None]) -> str | None:
    """The card with the fewest runs, the first of equals; `None` where there is no card.

    Example:
        >>> freest(["0", "1"], ["0"]), freest(["0", "1"], ["0", "1"]), freest([], [])
        ('1', '0', None)
    """
    return min(cards, key=list(taken).count, default=None)

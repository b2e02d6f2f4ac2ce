"""The cores and GPUs that this machine has for the runs of a sweep."""

import os
from collections.abc import Sequence
from pathlib import Path

DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # device files of the drivers: NVIDIA, NVIDIA in WSL, AMD


def cores() -> int:
    """Return how many cores the sweep may use: OMP_NUM_THREADS if it is set, else the cores available to this process."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return int(threads) if threads.isdigit() and int(threads) else len(os.sched_getaffinity(0))


def gpus() -> list[str]:
    """Return the GPUs that the sweep may use, in the form in which CUDA_VISIBLE_DEVICES names them."""
    if not any(Path(driver).exists() for driver in DRIVERS):
        return []
    import torch  # only now, because importing it takes seconds

    count = torch.cuda.device_count()  # does not initialise CUDA
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return visible[:count] if visible else [str(number) for number in range(count)]


def freest(cards: Sequence[str], taken: Sequence[str | None]) -> str | None:
    """Return the card with the fewest runs, the first one if several are equal; `None` if there is no card.

    Example:
        >>> freest(["0", "1"], ["0"]), freest(["0", "1"], ["0", "1"]), freest([], [])
        ('1', '0', None)
    """
    return min(cards, key=list(taken).count, default=None)

"""When a callback reads what it has gathered on the device."""

import torch


def looks(device: torch.device, batch_idx: int) -> bool:
    """Whether to read what was gathered on this device now, after the batch `batch_idx`, counted from 0.

    On a CPU always. On a GPU, where the host waits for each reading, after 1, 2, 4, 8, ... batches; so an epoch of n batches
    has at most 1 + log2(n) readings.

    Example:
        >>> [place for place in range(20) if looks(torch.device("cuda"), place)]
        [0, 1, 3, 7, 15]
        >>> all(looks(torch.device("cpu"), place) for place in range(20))
        True
    """
    count = batch_idx + 1
    return device.type == "cpu" or count & (count - 1) == 0

"""Whether samples are kept on the device on which a network is trained."""

import torch

SHARE = 0.5
"""Largest share of a GPU's free memory that samples may take; the rest is for the network."""


def has_room(device: torch.device, size: int) -> bool:
    """Return whether `size` bytes of samples take at most half of the free memory of a GPU; other devices always have room.

    Example:
        >>> has_room(torch.device("cpu"), 1 << 60)
        True
    """
    return device.type != "cuda" or size <= SHARE * torch.cuda.mem_get_info(device)[0]

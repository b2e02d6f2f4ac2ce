"""The connection that skips the layers of a residual block."""

from torch import nn


class Shortcut(nn.Identity):
    """The identity, `y = x`; conversion replaces it by a gain where the scales at its two ends differ.

    It has no weights, so a network's state dict keeps torchvision's names.

    Shape:
        any to the same.

    Example:
        >>> import torch
        >>> Shortcut()(torch.ones(1)).item(), len(Shortcut().state_dict())
        (1.0, 0)
    """

"""The interface that every option of the group `augmentation` follows."""

from typing import Protocol

from torch import Tensor


class Augmentation(Protocol):
    """Distorts a batch of training images at random; any function with this call works.

    It is called in training only, on the device of the batch, before the images are normalised. Pictures are in [0, 1], and the
    result must be in [0, 1] too. Event frames arrive with all time steps as channels, `[B, 2T, H, W]`, so that all steps of a
    sample are distorted alike. Random numbers come from torch's global generator, so that a seed repeats them. An augmentation
    that mixes samples returns probabilities as labels.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to images of the same shape, and labels `[B]` or probabilities `[B, K]`.

    Example:
        >>> import torch
        >>> def mirror(images, labels):
        ...     flip = torch.rand(len(images), 1, 1, 1) < 0.5
        ...     return torch.where(flip, images.flip(-1), images), labels
        >>> augmentation: Augmentation = mirror
        >>> images, labels = augmentation(torch.rand(2, 1, 4, 4), torch.tensor([3, 7]))
        >>> images.shape, labels.tolist()
        (torch.Size([2, 1, 4, 4]), [3, 7])
    """

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]: ...

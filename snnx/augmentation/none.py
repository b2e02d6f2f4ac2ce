"""No augmentation."""

from torch import Tensor


def none(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The batch as it is.

    Shape:
        `[B, C, H, W], [B] -> [B, C, H, W], [B]`.

    Example:
        >>> none("images", "labels")
        ('images', 'labels')
    """
    return images, labels

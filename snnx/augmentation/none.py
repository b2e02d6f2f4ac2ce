"""No augmentation."""

from torch import Tensor


def none(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the batch unchanged.

    Shape:
        images `[B, C, H, W]` and labels `[B]` to the same.

    Example:
        >>> none("images", "labels")
        ('images', 'labels')
    """
    return images, labels

"""Tiny ImageNet: two hundred classes of ImageNet at 64×64 pixels, in both layouts in which copies exist."""

from pathlib import Path

from snnx.dataset.photographs import Photographs, first_two_columns
from snnx.dataset.published import PublishedFile


class TinyImageNet(Photographs):
    """100,000 training photographs in 200 classes; the test set is the official validation set of 10,000.

    Either as published, `tiny-imagenet-200/train/CLASS/images/*.JPEG` and `val/images/*.JPEG` with `val/val_annotations.txt`,
    or with a folder per class in both parts, as in most copies.

    Source:
        Le and Yang 2015, Tiny ImageNet Visual Recognition Challenge.
    """

    classes = 200
    shape = (3, 64, 64)
    counts = (100_000, 10_000)
    mean = (0.4802, 0.4481, 0.3975)
    std = (0.2770, 0.2691, 0.2821)
    folder = "tiny-imagenet-200"
    labels = "val_annotations.txt"
    files = (PublishedFile("tiny-imagenet-200", "", 110_000, "http://cs231n.stanford.edu/tiny-imagenet-200.zip"),)

    @staticmethod
    def listed(path: Path) -> dict[str, str]:
        """Read lines with `val_0.JPEG`, a tab, the class, and a box, which is ignored."""
        return first_two_columns(path, "\t")

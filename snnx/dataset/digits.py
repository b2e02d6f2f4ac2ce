"""The digits that come with scikit-learn: real data without a download."""

from pathlib import Path

import sklearn.datasets
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from snnx.dataset.images import Images

EMBEDDED = Path(sklearn.datasets.__file__).parent / "data" / "digits.csv.gz"


class Digits(Images):
    """1,797 handwritten digits of 8×8 pixels, embedded in scikit-learn.

        byte = round(value * 255 / 16),  value in 0..16

    There is no official split of these samples, so ours is fixed: the last 297 in the publisher's order are the test
    set (27 to 33 of each class), the 1,500 before them the training set.

    Source:
        Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository.

    Example:
        >>> from snnx.augmentation.none import none
        >>> digits = Digits(batch_size=64, validation=0.1, normalize=False, augmentation=none, seed=0)
        >>> digits.setup()
        >>> digits.split_counts
        {'train': 1350, 'val': 150, 'test': 297}
    """

    classes = 10
    shape = (1, 8, 8)
    counts = (1_500, 297)
    mean = (0.3052,)
    std = (0.3749,)

    def sources(self) -> list[Path]:
        return [EMBEDDED]

    def read(self) -> dict[str, tuple[Tensor, Tensor]]:
        pixels, classes = load_digits(return_X_y=True)
        images = torch.from_numpy(pixels).mul(255 / 16).round().to(torch.uint8).view(-1, 1, 8, 8)
        labels = torch.from_numpy(classes).long()
        cut = self.counts[0]
        return {"train": (images[:cut], labels[:cut]), "test": (images[cut:], labels[cut:])}

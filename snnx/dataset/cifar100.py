"""CIFAR-100: small colour photographs of a hundred kinds of things."""

import torchvision
from torch import Tensor

from snnx.dataset import cifar
from snnx.dataset.images import Images
from snnx.dataset.published import PublishedFile

PUBLISHER = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"


class CIFAR100(Images):
    """60,000 colour photographs of 32×32 pixels in a hundred classes (the fine labels).

    Source:
        Krizhevsky 2009, Learning multiple layers of features from tiny images.
    """

    classes = 100
    shape = (3, 32, 32)
    counts = (50_000, 10_000)
    mean = (0.5071, 0.4865, 0.4409)
    std = (0.2673, 0.2564, 0.2762)
    files = (
        PublishedFile("cifar-100-python/train", "16019d7e3df5f24257cddd939b257f8d", 50_000, PUBLISHER),
        PublishedFile("cifar-100-python/test", "f0ef6b0ae62326f3e7ffdfab6717acfc", 10_000, PUBLISHER),
    )
    samples_in = staticmethod(cifar.samples_in)

    @staticmethod
    def fetch(folder: str) -> None:
        """Download the published files into `folder`, in the publisher's layout."""
        cifar.fetch(torchvision.datasets.CIFAR100, folder)

    @classmethod
    def packed(cls, variant: str) -> list[tuple[str, str]]:
        return [(torchvision.datasets.CIFAR100.filename, torchvision.datasets.CIFAR100.tgz_md5)]

    def read(self) -> dict[str, tuple[Tensor, Tensor]]:
        train, test = self.located()
        return {"train": cifar.read([train]), "test": cifar.read([test])}

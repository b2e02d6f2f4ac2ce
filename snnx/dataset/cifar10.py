"""CIFAR-10: small colour photographs of ten kinds of things."""

import torchvision
from torch import Tensor

from snnx.dataset import cifar
from snnx.dataset.images import Images
from snnx.dataset.published import PublishedFile

PUBLISHER = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"


class CIFAR10(Images):
    """60,000 colour photographs of 32×32 pixels in ten classes.

    Some papers use another standard deviation, (0.2023, 0.1994, 0.2010); it can be set by `std`.

    Source:
        Krizhevsky 2009, Learning multiple layers of features from tiny images.
    """

    classes = 10
    shape = (3, 32, 32)
    counts = (50_000, 10_000)
    mean = (0.4914, 0.4822, 0.4465)
    std = (0.2470, 0.2435, 0.2616)
    files = (
        PublishedFile("cifar-10-batches-py/data_batch_1", "c99cafc152244af753f735de768cd75f", 10_000, PUBLISHER),
        PublishedFile("cifar-10-batches-py/data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec", 10_000, PUBLISHER),
        PublishedFile("cifar-10-batches-py/data_batch_3", "54ebc095f3ab1f0389bbae665268c751", 10_000, PUBLISHER),
        PublishedFile("cifar-10-batches-py/data_batch_4", "634d18415352ddfa80567beed471001a", 10_000, PUBLISHER),
        PublishedFile("cifar-10-batches-py/data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb", 10_000, PUBLISHER),
        PublishedFile("cifar-10-batches-py/test_batch", "40351d587109b95175f43aff81a1287e", 10_000, PUBLISHER),
    )
    samples_in = staticmethod(cifar.samples_in)

    @staticmethod
    def fetch(folder: str) -> None:
        """Download the published files into `folder`, in the publisher's layout."""
        cifar.fetch(torchvision.datasets.CIFAR10, folder)

    @classmethod
    def packed(cls, variant: str) -> list[tuple[str, str]]:
        return [(torchvision.datasets.CIFAR10.filename, torchvision.datasets.CIFAR10.tgz_md5)]

    def read(self) -> dict[str, tuple[Tensor, Tensor]]:
        *train, test = self.located()
        return {"train": cifar.read(train), "test": cifar.read([test])}

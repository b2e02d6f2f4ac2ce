"""Fashion-MNIST: articles of clothing."""

import torchvision
from torch import Tensor

from snnx.dataset import idx
from snnx.dataset.images import Images
from snnx.dataset.published import PublishedFile

PUBLISHER = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"


class FashionMNIST(Images):
    """70,000 grey images of ten kinds of clothing, 28×28 pixels.

    Source:
        Xiao, Rasul and Vollgraf 2017, Fashion-MNIST: a novel image dataset for benchmarking machine learning
        algorithms.
    """

    classes = 10
    shape = (1, 28, 28)
    counts = (60_000, 10_000)
    mean = (0.2860,)
    std = (0.3530,)
    files = (
        PublishedFile(
            "FashionMNIST/raw/train-images-idx3-ubyte",
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            60_000,
            f"{PUBLISHER}train-images-idx3-ubyte.gz",
        ),
        PublishedFile(
            "FashionMNIST/raw/train-labels-idx1-ubyte",
            "9018921c3c673c538a1fc5bad174d6f9",
            60_000,
            f"{PUBLISHER}train-labels-idx1-ubyte.gz",
        ),
        PublishedFile(
            "FashionMNIST/raw/t10k-images-idx3-ubyte",
            "8181f5470baa50b63fa0f6fddb340f0a",
            10_000,
            f"{PUBLISHER}t10k-images-idx3-ubyte.gz",
        ),
        PublishedFile(
            "FashionMNIST/raw/t10k-labels-idx1-ubyte",
            "15d484375f8d13e6eb1aabb0c3f46965",
            10_000,
            f"{PUBLISHER}t10k-labels-idx1-ubyte.gz",
        ),
    )
    samples_in = staticmethod(idx.samples_in)

    @staticmethod
    def fetch(folder: str) -> None:
        """Download the published files into `folder`, in the publisher's layout."""
        torchvision.datasets.FashionMNIST(folder, download=True)

    @classmethod
    def packed(cls, variant: str) -> list[tuple[str, str]]:
        return [(f"FashionMNIST/raw/{name}", md5) for name, md5 in torchvision.datasets.FashionMNIST.resources]

    def read(self) -> dict[str, tuple[Tensor, Tensor]]:
        train_images, train_labels, test_images, test_labels = (idx.read(path) for path in self.located())
        return {
            "train": (train_images.unsqueeze(1), train_labels.long()),
            "test": (test_images.unsqueeze(1), test_labels.long()),
        }

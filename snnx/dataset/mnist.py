"""MNIST: handwritten digits."""

import torchvision
from torch import Tensor

from snnx.dataset import idx
from snnx.dataset.images import Images
from snnx.dataset.published import PublishedFile

PUBLISHER = "https://ossci-datasets.s3.amazonaws.com/mnist/"


class MNIST(Images):
    """70,000 handwritten digits of 28×28 pixels.

    Source:
        LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition.
    """

    classes = 10
    shape = (1, 28, 28)
    counts = (60_000, 10_000)
    mean = (0.1307,)
    std = (0.3081,)
    files = (
        PublishedFile(
            "MNIST/raw/train-images-idx3-ubyte",
            "6bbc9ace898e44ae57da46a324031adb",
            60_000,
            f"{PUBLISHER}train-images-idx3-ubyte.gz",
        ),
        PublishedFile(
            "MNIST/raw/train-labels-idx1-ubyte",
            "a25bea736e30d166cdddb491f175f624",
            60_000,
            f"{PUBLISHER}train-labels-idx1-ubyte.gz",
        ),
        PublishedFile(
            "MNIST/raw/t10k-images-idx3-ubyte",
            "2646ac647ad5339dbf082846283269ea",
            10_000,
            f"{PUBLISHER}t10k-images-idx3-ubyte.gz",
        ),
        PublishedFile(
            "MNIST/raw/t10k-labels-idx1-ubyte",
            "27ae3e4e09519cfbb04c329615203637",
            10_000,
            f"{PUBLISHER}t10k-labels-idx1-ubyte.gz",
        ),
    )
    samples_in = staticmethod(idx.samples_in)

    @staticmethod
    def fetch(folder: str) -> None:
        """Download the published files into `folder`, in the publisher's layout."""
        torchvision.datasets.MNIST(folder, download=True)

    @classmethod
    def packed(cls, variant: str) -> list[tuple[str, str]]:
        return [(f"MNIST/raw/{name}", md5) for name, md5 in torchvision.datasets.MNIST.resources]

    def read(self) -> dict[str, tuple[Tensor, Tensor]]:
        train_images, train_labels, test_images, test_labels = (idx.read(path) for path in self.located())
        return {
            "train": (train_images.unsqueeze(1), train_labels.long()),
            "test": (test_images.unsqueeze(1), test_labels.long()),
        }

"""CIFAR10-DVS: photographs that move on a screen, recorded by an event camera."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from snnx.dataset.aedat import read_aedat2, read_aedat4
from snnx.dataset.event_camera import EventCamera
from snnx.dataset.mapped import Mapped
from snnx.dataset.npz import read_npz
from snnx.dataset.published import Archive
from snnx.dataset.recording import Found, Layout, in_folders
from snnx.dataset.split import balanced_order

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FIGSHARE = "https://api.figshare.com/v2/file/download/"  # the publisher's page works in a browser only
PUBLISHED = (  # number at figshare and md5 of each class's archive
    (7712788, "0afd5c4bf9ae06af762a77b180354fdd"),
    (7712791, "8438dfeba3bc970c94962d995b1b9bdd"),
    (7712794, "a9c207c91c55b9dc2002dc21c684d785"),
    (7712812, "52c63c677c2b15fa5146a8daf4d56687"),
    (7712815, "b6bf21f6c04d21ba4e23fc3e36c8a4a3"),
    (7712818, "f379ebdf6703d16e0a690782e62639c3"),
    (7712842, "cad6ed91214b1c7388a5f6ee56d08803"),
    (7712851, "e7cbbf77bec584ffbf913f00e682782a"),
    (7712836, "41c7bd7d6b251be82557c6cce9a7d5c9"),
    (7712839, "89f3922fd147d9aeff89e76a2b0b70a7"),
)
TRAIN = 0.9  # share of each class that is used for training
FORMATS = {  # folder and suffix -> reader, for SpikingJelly's conversion, its unpacked archives, and tonic's or a plain folder
    ("CIFAR10DVS/events_np", ".npz"): read_npz,
    ("CIFAR10DVS/extract", ".aedat"): read_aedat2,
    ("CIFAR10DVS", ".aedat"): read_aedat2,
    ("CIFAR10DVS", ".aedat4"): read_aedat4,
}


def find(folder: str, suffix: str, root: Path) -> Found:
    """Return all recordings, class by class; within a class, file names are sorted as text."""
    return {"all": in_folders(root / folder, CLASSES, suffix, FORMATS[folder, suffix])}


def first90(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Split as Spikformer does: the first nine tenths of each class, rounded up, are for training.

    Example:
        >>> train, test = first90(torch.tensor([0] * 11 + [1] * 10))
        >>> len(train), test.tolist()
        (19, [10, 20])
    """
    parts = [(labels == label).nonzero().flatten() for label in labels.unique()]
    ends = [-int(-TRAIN * len(part) // 1) for part in parts]
    train = torch.cat([part[:end] for part, end in zip(parts, ends, strict=True)])
    return train, torch.cat([part[end:] for part, end in zip(parts, ends, strict=True)])


def random90(labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Split at random by `seed`, class-balanced: nine tenths of all samples are for training."""
    order = balanced_order(labels, seed)
    end = -int(-TRAIN * len(order) // 1)
    return order[:end].sort().values, order[end:].sort().values


class CIFAR10DVS(EventCamera):
    """10,000 photographs of CIFAR-10, each moved on a screen for 1.2 s before a sensor of 128×128 pixels.

    There is no official split. The variant `first90` trains on the first 90 % of each class, with file names sorted as text
    (..._0, ..._1, ..._10, ..._100), as in SpikingJelly and Spikformer. The variant `random` draws 90 % of each class by
    `split_seed`. Accuracies on the two variants cannot be compared.

    Source:
        Li, Liu, Ji, Li and Shi 2017, CIFAR10-DVS: an event-stream dataset for object classification.
    """

    classes = len(CLASSES)
    sensor = 128
    counts = (9_000, 1_000)
    variants = ("first90", "random")
    archives = tuple(
        Archive(f"{name}.zip", md5, f"{FIGSHARE}{number}", True, "CIFAR10DVS")
        for name, (number, md5) in zip(CLASSES, PUBLISHED, strict=True)
    )

    def layouts(self) -> tuple[Layout, ...]:
        return tuple(
            Layout(
                Path(folder).name if suffix == ".npz" else suffix[1:],
                f"{folder}/CLASS/*{suffix}",
                partial(find, folder, suffix),
            )
            for folder, suffix in FORMATS
        )

    def read(self) -> dict[str, tuple[Mapped, Tensor]]:
        samples, labels = super().read()["all"]
        train, test = first90(labels) if self.variant == "first90" else random90(labels, self.split_seed)
        return {"train": (samples.rows(train), labels[train]), "test": (samples.rows(test), labels[test])}

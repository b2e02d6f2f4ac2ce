"""N-MNIST: the digits of MNIST, recorded by a moving event camera."""

from functools import partial
from pathlib import Path

import numpy as np

from snnx.dataset.binning import EVENT
from snnx.dataset.event_camera import EventCamera
from snnx.dataset.published import Archive
from snnx.dataset.recording import Damaged, Layout, events_of, in_folders

PUBLISHER = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files/"
TRAIN, TEST = "39c25547-014b-4137-a934-9d29fa53c7a0", "05a4d654-7e03-4c15-bdfa-9bb2bcbea494"
DIGITS = tuple("0123456789")
BYTES = 5  # size of an event


def read_bin(path: Path) -> np.ndarray:
    """Return the events of one `.bin` file, read by tonic.

    Raises:
        Damaged: the size of the file is not a multiple of that of an event.
    """
    from tonic.io import read_mnist_file

    size = path.stat().st_size
    if size % BYTES:
        raise Damaged(f"{path}: must be a multiple of {BYTES} bytes, the size of an event; got {size} bytes")
    raw = read_mnist_file(str(path), dtype=EVENT)
    return events_of(path, x=raw["x"], y=raw["y"], t=raw["t"], p=raw["p"])


def find(folder: str, root: Path) -> dict:
    """Return the recordings of both parts."""
    parts = {"train": "Train", "test": "Test"}
    return {part: in_folders(root / folder / name, DIGITS, ".bin", read_bin) for part, name in parts.items()}


class NMNIST(EventCamera):
    """The 70,000 digits of MNIST, each recorded for 0.3 s by a 34×34 sensor that makes three saccades.

    Source:
        Orchard, Jayawant, Cohen and Thakor 2015, Converting static image datasets to spiking neuromorphic datasets using
        saccades.
    """

    classes = 10
    sensor = 34
    counts = (60_000, 10_000)
    archives = (
        Archive("train.zip", "20959b8e626244a1b502305a9e6e2031", f"{PUBLISHER}{TRAIN}/file_downloaded", True, "NMNIST"),
        Archive("test.zip", "69ca8762b2fe404d9b9bad1103e97832", f"{PUBLISHER}{TEST}/file_downloaded", True, "NMNIST"),
    )

    def layouts(self) -> tuple[Layout, ...]:
        where = "{}/{{Train,Test}}/0..9/*.bin"
        folders = ("NMNIST", "NMNIST/extract")  # tonic's and SpikingJelly's
        return tuple(Layout("bin", where.format(folder), partial(find, folder)) for folder in folders)

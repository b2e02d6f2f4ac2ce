"""Reads the `.npz` files with arrays t, x, y and p to which SpikingJelly converts every event data set (`events_np`)."""

import zipfile
from pathlib import Path

import numpy as np

from snnx.dataset.recording import Damaged, events_of

LARGEST = 2**30  # a file whose arrays take more bytes than this when unpacked is refused; DVS128 Gesture has up to 40 MB


def read_npz(path: Path) -> np.ndarray:
    """Return the events of one file.

    Raises:
        Damaged: the arrays would take more than 1 GiB of memory. A file of a few megabytes can unpack to gigabytes.
    """
    with path.open("rb") as file:  # we open the file, as numpy leaves it open if it is not an archive
        size = sum(entry.file_size for entry in zipfile.ZipFile(file).infolist())
        if size > LARGEST:
            raise Damaged(f"{path}: a recording must have at most {LARGEST:,} bytes when it is unpacked; got {size:,}")
        file.seek(0)
        with np.load(file) as arrays:
            return events_of(path, x=arrays["x"], y=arrays["y"], t=arrays["t"], p=arrays["p"])

"""Reads the `.npz` files with arrays t, x, y and p to which SpikingJelly converts every event data set (`events_np`)."""

from pathlib import Path

import numpy as np

from snnx.dataset.recording import events_of


def read_npz(path: Path) -> np.ndarray:
    """Return the events of one file."""
    with path.open("rb") as file, np.load(file) as arrays:  # we open the file, as numpy leaves it open if it is not an archive
        return events_of(path, x=arrays["x"], y=arrays["y"], t=arrays["t"], p=arrays["p"])

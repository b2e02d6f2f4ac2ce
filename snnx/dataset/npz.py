"""The `.npz` files with the arrays t, x, y and p into which SpikingJelly converts every event set (`events_np`)."""

from pathlib import Path

import numpy as np

from snnx.dataset.recording import events_of


def read_npz(path: Path) -> np.ndarray:
    """The events of one file."""
    with path.open("rb") as file, np.load(file) as arrays:  # a file that numpy opens stays open if it is no archive
        return events_of(path, x=arrays["x"], y=arrays["y"], t=arrays["t"], p=arrays["p"])

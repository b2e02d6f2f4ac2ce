"""The `.npz` files with the arrays t, x, y and p into which SpikingJelly converts every event set (`events_np`)."""

import zipfile
from pathlib import Path

import numpy as np

from snnx.dataset.binning import EVENT
from snnx.dataset.recording import Damaged


def read_npz(path: Path) -> np.ndarray:
    """The events of one file.

    Raises:
        Damaged: it is truncated, or holds something else.
    """
    try:
        with path.open("rb") as file, np.load(file) as arrays:  # a file that numpy opens stays open if it is no archive
            events = np.empty(len(arrays["t"]), EVENT)
            for name in EVENT.names:
                events[name] = arrays[name]
    except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise Damaged(f"{path}: must be a whole .npz with t, x, y and p of one length; got {reason}") from None
    return events

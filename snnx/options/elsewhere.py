"""Finds a file of options that the current folder lacks and a folder near it has."""

import os
from pathlib import Path


def elsewhere(file: str) -> str:
    """Return a hint that names a folder with the file, above or directly below the current one; empty if there is none.

    Args:
        file: its path in a folder of options, such as `conf/neuron/mine.yaml`.

    Example:
        >>> elsewhere("conf/neuron/nowhere.yaml")
        ''
    """
    here = Path.cwd()
    below = sorted(path for path in here.iterdir() if path.is_dir() and not path.name.startswith("."))
    for folder in (*here.parents, *below):
        if (folder / file).is_file():
            return f"; {os.path.relpath(folder, here)} has {file}: run the command there"
    return ""

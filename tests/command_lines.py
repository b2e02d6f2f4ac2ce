"""Runs `snnx` in a process of its own, in a folder of the test, as a person would."""

import subprocess
from pathlib import Path

import warm

ROOT = Path(__file__).parents[1]


def snnx(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """What `snnx WORDS` says in `folder`, on one thread."""
    return warm.python(["-m", "snnx", *words], folder, ROOT)

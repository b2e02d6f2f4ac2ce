"""Runs `snnx` as a separate process in a folder of the test, as a user would."""

import subprocess
from pathlib import Path

import warm

ROOT = Path(__file__).parents[1]


def snnx(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """Run `snnx WORDS` in a folder with one thread, and return the ended process with its output."""
    return warm.python(["-m", "snnx", *words], folder, ROOT)

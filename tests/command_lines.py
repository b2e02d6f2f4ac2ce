"""Runs `snnx` in a process of its own, in a folder of the test, as a person would."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def snnx(folder: Path, *words: str, timeout: int = 240) -> subprocess.CompletedProcess:
    """What `snnx WORDS` says in `folder`, on one thread."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snnx", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, timeout=timeout, check=False)

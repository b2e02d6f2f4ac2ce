"""Runs `snnx` as a separate process in a folder of the test, as a user would."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def snnx(folder: Path, *words: str, timeout: int = 240) -> subprocess.CompletedProcess:
    """Run `snnx WORDS` in a folder with one thread, and return the ended process with its output."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snnx", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, timeout=timeout, check=False)

"""What the tests of engines share: the command line on a copy of snnx, to which a test may add rows and neurons."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import warm
from loops import share_loops

ROOT = Path(__file__).parent.parent.parent
QUICK = ["trainer.max_epochs=1", "budget.samples=0.1", "timesteps=2", "trainer.accelerator=cpu"]


def environment(source: Path = ROOT) -> dict[str, str]:
    """For one thread, and without an account or a data set."""
    return {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}


def snnx(folder: Path, *words: str, source: Path = ROOT) -> subprocess.CompletedProcess:
    """Run the command in `folder`."""
    return warm.python(["-m", "snnx", *words], folder, source, WANDB_MODE="offline")


def results(folder: Path) -> dict[str, dict]:
    """The results of all runs below `folder`, by row."""
    found = [json.loads(path.read_text()) for path in (folder / "outputs" / "runs").glob("*/result.json")]
    return {one["row"]: one for one in found}


def copy_of_snnx(folder: Path, *, sweep: str, neuron: str) -> Path:
    """A checkout with the sweep `four` and the neuron `mine` added."""
    for part in ("snnx", "conf", "sweeps", "hydra_plugins"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    share_loops(folder / "snnx")
    (folder / "sweeps" / "four.yaml").write_text(sweep)
    (folder / "snnx" / "neuron" / "mine.py").write_text(neuron)
    (folder / "conf" / "neuron" / "mine.yaml").write_text("_target_: snnx.neuron.mine.Mine\n_partial_: true\n")
    return folder


FOUR = """\
# Four rows that end in four ways.
sweep: {paper: none, artifact: none, metric: test/acc}
rows:
  Good: {set: [neuron=if, trainer.max_epochs=1]}
  Raises: {set: [neuron=mine, trainer.max_epochs=1]}
  Killed: {set: [neuron=if, trainer.max_epochs=LONG]}
  Preempted: {set: [neuron=lif, trainer.max_epochs=LONG]}
"""
RAISES = '''\
from snnx.neuron.lif import LIF


class Mine(LIF):
    """A neuron with a mistake that shows only when data is passed through it."""

    def charge(self, x, v):
        if not x.is_meta:
            raise RuntimeError("this neuron raises")
        return super().charge(x, v)
'''


def holder(folder: Path) -> int | None:
    """The process that holds the lock of a run's folder, as the kernel tells."""
    lock = folder / ".lock"
    inode = lock.stat().st_ino if lock.exists() else None
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()
        if inode is not None and "FLOCK" in words and words[5].endswith(f":{inode}"):
            return int(words[4])
    return None

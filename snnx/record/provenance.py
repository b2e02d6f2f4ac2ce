"""Records how a result was computed: code, libraries and machine."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from snnx.record.identity import physics
from snnx.record.job import Job

# the libraries whose versions are recorded, because they affect a run's numbers
LIBRARIES = (
    "snnx", "torch", "torchvision", "pytorch-lightning", "spikingjelly", "hydra-core", "numpy", "numba",
    "pillow", "scikit-learn", "tonic",  # samples are read by these, or come with them
)  # fmt: skip

SEARCHED = ("search", "tuned")
"""Keys of a run's configuration that are copied to its result if they are set; they describe its search."""


def of(job: Job) -> dict:
    """Return the entries that identify a run in its result, whether it succeeded or failed."""
    return {
        "hash": job.id,
        "group": job.group,
        "sweep": job.sweep,
        "row": job.row,
        "seed": job.seed,
        "scale": job.scale,
        "budget": job.config["budget"],
        "overrides": job.overrides,
        "command": job.command,
        "git": job.git,
        "versions": versions(),
        "physics": physics(job.config),
        **{key: job.config[key] for key in SEARCHED if job.config.get(key)},
    }


@cache
def versions() -> dict[str, str]:
    """Return the installed versions of Python and of the libraries that affect the numbers."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def git() -> dict | None:
    """Return the commit of snnx's source, as `commit` does, or `None` if snnx was installed without a checkout."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():  # a virtual environment may lie in the checkout of another project
        return None
    return commit(source, ("snnx", "conf", "sweeps", "hydra_plugins"))


@cache
def commit(folder: Path, parts: tuple[str, ...]) -> dict | None:
    """Return the commit of the checkout that a folder lies in, read once per process.

    Args:
        folder: a folder of the checkout.
        parts: the files and subfolders in `folder` whose changes count.

    Returns:
        `{"commit": hash, "dirty": whether a part has changed since}`, or `None` if there is no checkout, commit or git.
    """
    found = _git(folder, "rev-parse", "HEAD")
    return {"commit": found, "dirty": bool(_git(folder, "status", "--porcelain", "--", *parts))} if found else None


def _git(folder: Path, *words: str) -> str:
    try:
        # the settings of a received checkout may name a program as its monitor of files, which git would start
        command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def device(place) -> str:
    """Describe the device that a run used, for example `cuda (NVIDIA A100), 8 threads`."""
    import torch

    name = torch.cuda.get_device_name(place) if place.type == "cuda" else processor()
    return f"{place.type} ({name}), {torch.get_num_threads()} threads"


def processor() -> str:
    """Return the processor's name as the operating system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

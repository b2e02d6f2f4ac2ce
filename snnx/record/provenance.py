"""What a number was made with: code, libraries, machine."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from snnx.record.identity import physics
from snnx.record.job import Job

LIBRARIES = ("snnx", "torch", "torchvision", "pytorch-lightning", "spikingjelly", "hydra-core", "numpy", "numba")


def identity(job: Job) -> dict:
    """What a result says of its run, whatever it ended with."""
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
    }


@cache
def versions() -> dict[str, str]:
    """Installed versions of what computes."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def git() -> dict | None:
    """Commit of the source as this process found it, and whether its files differ from it; `None` outside a checkout."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    commit = _git(source, "rev-parse", "HEAD")
    changed = _git(source, "status", "--porcelain", "--", "snnx", "conf", "sweeps", "hydra_plugins")
    return {"commit": commit, "dirty": bool(changed)} if commit else None


def _git(source: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(source), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def device(place) -> str:
    """The device that a run computed on, in words."""
    import torch

    name = torch.cuda.get_device_name(place) if place.type == "cuda" else processor()
    return f"{place.type} ({name}), {torch.get_num_threads()} threads"


def processor() -> str:
    """Name of the processor, as the operating system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

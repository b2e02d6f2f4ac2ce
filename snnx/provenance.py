"""What a number was made with: code, libraries, machine."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("snnx", "torch", "torchvision", "pytorch-lightning", "spikingjelly", "hydra-core", "numpy", "numba")


def versions() -> dict[str, str]:
    """Installed versions of what computes."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git() -> dict | None:
    """Commit of the source, and whether tracked files differ from it; `None` outside a checkout."""
    source = Path(__file__).resolve().parent.parent
    if not (source / ".git").exists():
        return None
    commit = _git(source, "rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(_git(source, "status", "--porcelain", "--untracked-files=no"))} if commit else None


def _git(source: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(source), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def processor() -> str:
    """Name of the processor, as the operating system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

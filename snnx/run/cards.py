"""Which GPUs a run uses: its process locks a place on each, so that all runs of a machine share its cards evenly."""

import fcntl
import itertools
import os
import tempfile
from pathlib import Path

DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # device files of the drivers: NVIDIA, NVIDIA in WSL, AMD
VISIBLE = "CUDA_VISIBLE_DEVICES"
_held: dict[str, int] = {}  # card -> file descriptor of its lock, which the system releases when this process ends


def cards() -> list[str]:
    """Return the GPUs that this process may use, in the form in which CUDA_VISIBLE_DEVICES names them."""
    if not any(Path(driver).exists() for driver in DRIVERS):
        return []
    import torch  # only now, because importing it takes seconds

    count = torch.cuda.device_count()  # does not initialise CUDA
    visible = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    return visible[:count] if visible else [str(number) for number in range(count)]


def take(trainer: dict) -> list[str]:
    """Choose the cards of a run, the least used ones of this machine, and let CUDA see only these in this process.

    Each card has places 0, 1, 2 and so on, which are files that a process locks. A run takes the lowest free place of all
    cards: first every card gets one run, then every card a second one. The locks are the machine's, so runs of other sweeps
    and of joblib's, Ray's or Slurm's workers count too. A process takes its cards once and keeps them until it ends.

    Args:
        trainer: the run's options of the trainer; `devices` says how many cards it needs, `auto` or -1 all of them.

    Returns:
        The names of the cards; none if there are none or if the trainer's `accelerator` is `cpu`.
    """
    if trainer["accelerator"] == "cpu" or not (found := cards()):
        return []
    if not _held:
        asked = trainer["devices"]
        number = len(found) if asked in ("auto", -1) else int(asked)
        folder = Path(tempfile.gettempdir()) / f"snnx-cards-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        places = ((place, card, name) for place in itertools.count() for card, name in zip(found, _names(found), strict=True))
        while len(_held) < min(number, len(found)):
            place, card, name = next(places)
            if card not in _held and (lock := _locked(folder / f"{name.replace('/', '_')}.{place}")) is not None:
                _held[card] = lock
        os.environ[VISIBLE] = ",".join(_held)  # CUDA reads it when it is initialised
    return list(_held)


def unhide() -> None:
    """Let this process see the cards that an engine has hidden from it, as Ray does with a task that asks for no GPU.

    Ray sets CUDA_VISIBLE_DEVICES to nothing in the worker. The process that has started the worker still has the value that
    holds on this machine, so the worker gets it back. If the cards were hidden before, they stay hidden.

    Example:
        >>> unhide()
    """
    if os.environ.get(VISIBLE) != "":
        return
    try:
        lines = Path(f"/proc/{os.getppid()}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # another user's process
        return
    before = dict(line.split("=", 1) for line in lines if "=" in line)
    if VISIBLE in before:
        os.environ[VISIBLE] = before[VISIBLE]
    else:
        del os.environ[VISIBLE]


def _names(found: list[str]) -> list[str]:
    """Return the names of the cards on this machine.

    If Slurm lets each job see only its own cards, CUDA counts them from 0 in every job. Slurm then tells their numbers on the
    machine.
    """
    told = (os.environ.get("SLURM_STEP_GPUS") or os.environ.get("SLURM_JOB_GPUS") or "").split(",")
    return told if len(told) == len(found) and all(told) else found


def _locked(path: Path) -> int | None:
    """Lock a file and return its descriptor; `None` if another process holds the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor

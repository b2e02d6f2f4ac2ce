"""Checkpoints that survive a kill, a full disk and a flipped bit."""

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from lightning_fabric.plugins import CheckpointIO

from snnx.record.write import write

RUN = "snnx_run"  # the entry of a checkpoint that names its run
CODE, DATA = "snnx_code", "snnx_data"  # those that say what code and what samples it comes from


class DamagedCheckpoint(ValueError):
    """A checkpoint that must not be used, and why."""


class Checkpoints(CheckpointIO):
    """Lightning's door to the disk: writes a checkpoint whole or not at all, and opens none that is damaged or foreign.

    Lightning's own writes into the system's temporary folder and moves the file from there. Where that is another file system,
    a kill leaves half a checkpoint and a full disk takes the last good one along.

    Args:
        run: the identity that every checkpoint carries and must show again.
        made_with: further entries, `CODE` and `DATA`.
    """

    def __init__(self, run: str, made_with: Mapping[str, str]) -> None:
        self.run, self.made_with = run, dict(made_with)

    def save_checkpoint(self, checkpoint: dict, path: str | Path, storage_options: None = None) -> None:
        buffer = io.BytesIO()  # by way of memory: of a disk that is full torch.save says nothing that one could read
        torch.save({**checkpoint, RUN: self.run, **self.made_with}, buffer)
        write(Path(path), buffer.getbuffer())

    def load_checkpoint(self, path: str | Path, map_location=None, weights_only: bool | None = None) -> dict:
        """A checkpoint of this run; only tensors and plain values are ever unpickled, whatever `weights_only` says."""
        return load(Path(path), self.run, map_location)

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)


def load(path: Path, run: str | None, map_location=None) -> dict:
    """The content of a checkpoint, with its checksums compared first: `torch.load` does not notice a flipped byte.

    Args:
        path: the file.
        run: what it must belong to; `None` takes any run's.
        map_location: as in `torch.load`.

    Raises:
        DamagedCheckpoint: it is cut short, a byte has changed, it holds more than tensors and plain values, or it belongs to
            another run.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
        if broken is not None:
            raise DamagedCheckpoint(f"{path} must be whole; got a wrong checksum in {broken}")
        content = torch.load(path, map_location=map_location, weights_only=True)
    except (DamagedCheckpoint, FileNotFoundError):
        raise
    except pickle.UnpicklingError:  # torch says how it could be run all the same
        raise DamagedCheckpoint(
            f"{path} must be a checkpoint of tensors and plain values; got a pickle of other classes"
        ) from None
    except zipfile.BadZipFile:
        raise DamagedCheckpoint(
            f"{path} must be a checkpoint of tensors and plain values; got no file of torch: it is cut short, or "
            "another program's"
        ) from None
    except Exception as error:  # half a file can fail anywhere in the archive's or the pickle's parser
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise DamagedCheckpoint(f"{path} must be a checkpoint of tensors and plain values; got {reason[0]}") from None
    if not isinstance(content, dict) or (run is not None and content.get(RUN) != run):
        found = content.get(RUN) if isinstance(content, dict) else type(content).__name__
        raise DamagedCheckpoint(f"{path} must belong to run {run}; got {found}")
    return content


def path_of(folder: Path, epoch: int) -> Path:
    """Where the checkpoint of an epoch lies, counted from 1.

    Example:
        >>> path_of(Path("ckpt"), 7).name
        'epoch=7.ckpt'
    """
    return folder / f"epoch={epoch}.ckpt"


def epochs(folder: Path) -> list[int]:
    """The epochs that have a checkpoint, the newest first; whether it is any good is for `load` to say."""
    names = (path.stem.removeprefix("epoch=") for path in folder.glob("epoch=*.ckpt"))
    return sorted((int(name) for name in names if name.isdigit()), reverse=True)

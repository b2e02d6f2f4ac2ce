"""Writes checkpoints completely or not at all, and detects damaged ones when they are read."""

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from lightning_fabric.plugins import CheckpointIO

from snnx.record.write import write
from snnx.torch_file.load_file import GrowingFile, check_archive, load_file

RUN = "snnx_run"  # the checkpoint's entry with the identity of its run
CODE, DATA = "snnx_code", "snnx_data"  # the entries with the digests of the code and of the samples of its run

LONGEST = 200  # number of characters that are shown of another library's message, which may repeat the file


class DamagedCheckpoint(ValueError):
    """Raised when a checkpoint cannot be used; the message says why."""


class Checkpoints(CheckpointIO):
    """Writes a checkpoint completely or not at all, and refuses to load one that is damaged or belongs to another run.

    Lightning's own CheckpointIO writes to the system's temporary folder and then moves the file. If that folder is on another
    file system, a killed process leaves half a checkpoint, and a full disk destroys the last good one as well.

    Args:
        run: the identity of the run; it is stored in every checkpoint and compared when one is loaded.
        made_with: further entries to store, `CODE` and `DATA`.
    """

    def __init__(self, run: str, made_with: Mapping[str, str]) -> None:
        self.run, self.made_with = run, dict(made_with)

    def save_checkpoint(self, checkpoint: dict, path: str | Path, storage_options: None = None) -> None:
        buffer = io.BytesIO()  # save to memory first, because torch.save's error on a full disk is unreadable
        torch.save({**checkpoint, RUN: self.run, **self.made_with}, buffer)
        write(Path(path), buffer.getbuffer())

    def load_checkpoint(self, path: str | Path, map_location: object = None, weights_only: bool | None = None) -> dict:
        """Load a checkpoint of this run to the CPU; Lightning copies it to the devices of its modules.

        Whatever `weights_only` says, only tensors and plain values are unpickled.
        """
        return load(Path(path), self.run)

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)


def load(path: Path, run: str | None) -> dict:
    """Load a checkpoint after verifying its checksums, since `torch.load` does not notice a changed byte.

    All tensors are on the CPU, so a checkpoint from a GPU can be read on a machine without one.

    Args:
        path: the file.
        run: identity of the run that it must belong to; `None` accepts any run.

    Raises:
        DamagedCheckpoint: the file is cut short, a byte has changed, it contains more than tensors and plain values, it would
            grow while it is read (see `torch_file.read`), or it belongs to another run.
    """
    if path.exists() and not path.is_file():  # reading could wait for ever
        raise DamagedCheckpoint(f"{path} must be a file; got a folder, a pipe or a device")
    try:
        check_archive(path)
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
        if broken is not None:
            raise DamagedCheckpoint(f"{path} must be undamaged; got a wrong checksum in {broken}")
        content = load_file(path)
    except GrowingFile as error:
        raise DamagedCheckpoint(str(error)) from None
    except (DamagedCheckpoint, FileNotFoundError):
        raise
    except pickle.UnpicklingError:  # torch's own message explains how to load the unsafe file anyway
        raise DamagedCheckpoint(
            f"{path} must be a checkpoint of tensors and plain values; got a pickle with other classes"
        ) from None
    except zipfile.BadZipFile:
        raise DamagedCheckpoint(
            f"{path} must be a checkpoint of tensors and plain values; got a file that is cut short or not written by torch"
        ) from None
    except Exception as error:  # a truncated file can fail at any point while zip or pickle parse it
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise DamagedCheckpoint(f"{path} must be a checkpoint of tensors and plain values; got {reason[0][:LONGEST]}") from None
    if not isinstance(content, dict) or (run is not None and content.get(RUN) != run):
        found = str(content.get(RUN))[:LONGEST] if isinstance(content, dict) else type(content).__name__
        raise DamagedCheckpoint(f"{path} must belong to run {run}; got {found}")
    return content


def path_of(folder: Path, epoch: int) -> Path:
    """Return the path of an epoch's checkpoint; epochs count from 1.

    Example:
        >>> path_of(Path("ckpt"), 7).name
        'epoch=7.ckpt'
    """
    return folder / f"epoch={epoch}.ckpt"


def epochs(folder: Path) -> list[int]:
    """Return the epochs that have a checkpoint, the newest first; the files are not checked, `load` does that."""
    names = (path.stem.removeprefix("epoch=") for path in folder.glob("epoch=*.ckpt") if path.is_file())
    return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

"""Runs that train the same network train it once: the first leaves its checkpoints to the others."""

from contextlib import suppress
from pathlib import Path

from snnx.method.base import Method
from snnx.record.form import IDENTITY
from snnx.record.identity import training_id
from snnx.record.job import Job
from snnx.record.read import read
from snnx.record.run_folder import CKPT
from snnx.record.write import write
from snnx.run.callback.keep import Keep

FOLDER = ".training"
"""The folder in the outputs with a file for each training, which names the run that has trained it."""


class SharedTraining:
    """The training of a run whose method has arguments that only the test reads; see `Method.test_only`.

    A run takes the checkpoints of the last and of the best epoch, with the curves, and goes on as if it had been interrupted
    before its test. They must come from the present code and samples. The result is the same bit for bit as that of a run that
    trains by itself, because such a training depends on nothing that the runs differ in.

    Three kinds of runs take nothing and leave nothing: one that tests after every epoch, a trial of a search, which may be
    pruned, and a run on several devices. Runs that start at the same time do not wait for each other. With `force=true`, the
    run that has trained trains again, and the others take its new training.

    Args:
        job: the run.
        method: its method.
        devices: number of the training's processes.
    """

    def __init__(self, job: Job, method: Method, *, devices: int) -> None:
        config = job.config
        folder = Path(job.outputs) / FOLDER
        alone = config["test_every_epoch"] or config.get("search") or devices > 1 or not method.test_only or folder.is_symlink()
        self._runs, self._run = Path(job.outputs) / "runs", job.id
        self._file = None if alone else folder / training_id(config, method.test_only)

    def take(self, keep: Keep, epochs: int) -> None:
        """Take the checkpoints of the run that has trained the network for this number of epochs, if there is one."""
        if self._file is None:
            return
        with suppress(OSError, UnicodeDecodeError):
            other = read(self._file, links=False, most=16).decode("ascii")
            if IDENTITY.fullmatch(other) and other != self._run and keep.take(self._runs / other / CKPT, other, epochs):
                print(f"snnx: not trained again: run {other} has trained the same network", flush=True)

    def leave(self, keep: Keep) -> None:
        """Name this run as the one that has trained the network, unless it was trained by another."""
        if self._file is not None and keep.trained_by is None:
            write(self._file, self._run)

"""Runs that train the same network train it once: the first leaves its checkpoints to the others."""

from collections.abc import Mapping
from inspect import signature
from pathlib import Path

from pytorch_lightning import Callback

from snnx.method.base import Method
from snnx.record.checkpoint import path_of
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

    A run without checkpoints of its own takes those of the last and of the best epoch, with the curves, and goes on as if it
    had been interrupted before its test. The result is the same bit for bit as that of a run that trains by itself, because
    such a training depends on nothing that the runs differ in. So the training that is taken must come from the present code,
    samples and versions of libraries, from the same device with as many threads, and from one process: a training that was
    interrupted may be in part of other code.

    Runs that start at the same time do not wait for each other: each trains. A sweep with `force=true` deletes the checkpoints
    of all its runs first, so that one of them trains again for all; a run outside the sweep keeps its training, and they take
    that.

    Args:
        job: the run.
        method: its method.
    """

    def __init__(self, job: Job, method: Method) -> None:
        self._file = file_of(job.config, job.outputs, own_test_only(method))
        self._runs, self._run = Path(job.outputs) / "runs", job.id

    def take(self, keep: Keep, epochs: int, device: str) -> Path | None:
        """Take the checkpoints of the run that has trained the network for this number of epochs on such a device.

        Returns:
            The last checkpoint, or `None` if there is no such run.
        """
        other = None if self._file is None else trained_by(self._file)
        if other is None or other == self._run:
            return None
        found = keep.take(self._runs / other / CKPT, other, epochs, device)
        if found:
            print(f"snnx: not trained again: run {other} has trained the same network", flush=True)
        return found

    def leave(self, keep: Keep) -> None:
        """Name this run as the one that has trained the network, if it has done so without an interruption."""
        if self._file is None or keep.trained_by is not None or keep.resumed:
            return
        try:
            write(self._file, self._run)
        except OSError as error:  # the training is done; only others will train again
            print(f"snnx: other runs cannot take this training: {error}", flush=True)


def own_test_only(method: Method) -> tuple[str, ...]:
    """Return the arguments that only the test reads, as the method's own class names them; none if a metric forbids it.

    A class that derives from `Conversion` may train differently, so it must name them itself. `encoding` is one of them if the
    method has a `timesteps` for the test and does not take the encoding of this group. A metric that watches the training must
    store what it has seen (`state_dict`), or a run that takes the training would not have its numbers.
    """
    for metric in method.metrics.values():
        if isinstance(metric, Callback) and type(metric).state_dict is Callback.state_dict:
            return ()
    named = vars(type(method)).get("test_only", ())
    encodes = "encoding" in signature(type(method)).parameters
    return (*named, "encoding") if "timesteps" in named and not encodes else named


def file_of(config: Mapping, outputs: str | Path, test_only: tuple[str, ...]) -> Path | None:
    """Return the file that names the run that has trained a network, or `None` if the run of this configuration shares nothing.

    These train by themselves: a run that is tested after every epoch, a trial of a search, which may be pruned, a run with
    `outdated=true`, whose training may be of other code, and one on several devices.

    Args:
        config: resolved configuration of the run.
        outputs: the folder of all outputs.
        test_only: the arguments that only the test reads; see `own_test_only`.
    """
    if not test_only or config["test_every_epoch"] or config.get("search") or config["outdated"]:
        return None
    trainer, folder = config["trainer"], Path(outputs) / FOLDER
    if trainer.get("devices") != 1 or trainer.get("num_nodes", 1) != 1 or folder.is_symlink():
        return None
    return folder / training_id(config, test_only)


def trained_by(file: Path) -> str | None:
    """Return the run that a file of `file_of` names, or `None` if there is no such file or if it does not name a run."""
    try:
        run = read(file, links=False, most=16).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return run if IDENTITY.fullmatch(run) else None


def is_left(file: Path, epochs: int) -> bool:
    """Whether the run that a file of `file_of` names has its last checkpoint, for the plan, which does not open it."""
    run = trained_by(file)
    return run is not None and path_of(file.parents[1] / "runs" / run / CKPT, epochs).is_file()

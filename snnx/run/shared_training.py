"""Runs that train the same network train it once: the first leaves its checkpoints to the others."""

from collections.abc import Mapping
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

    A run without checkpoints of its own takes those of the last and of the best epoch, with the curves, and goes on as if it
    had been interrupted before its test. The result is the same bit for bit as that of a run that trains by itself, because
    such a training depends on nothing that the runs differ in. So the training that is taken must come from the present code,
    samples and versions of libraries, from the same kind of device, and from one process: a training that was interrupted may
    be in part of other code.

    Runs that start at the same time do not wait for each other: each trains. With `force=true`, the run that has trained trains
    again, and one that has taken its training takes it again.

    Args:
        job: the run.
        method: its method.
    """

    def __init__(self, job: Job, method: Method) -> None:
        training = shared_id(job.config, own_test_only(method))
        folder = Path(job.outputs) / FOLDER
        self._runs, self._run = Path(job.outputs) / "runs", job.id
        self._file = None if training is None or folder.is_symlink() else folder / training

    def take(self, keep: Keep, epochs: int, device: str) -> Path | None:
        """Take the checkpoints of the run that has trained the network for this number of epochs on such a device.

        Returns:
            The last checkpoint, or `None` if there is no such run.
        """
        if self._file is None:
            return None
        try:
            other = read(self._file, links=False, most=16).decode("ascii")
        except (OSError, UnicodeDecodeError):
            return None
        if not IDENTITY.fullmatch(other) or other == self._run:
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
    """Return the arguments that only the test reads, as the method's own class names them.

    A class that derives from `Conversion` may train differently, so it must name them itself.
    """
    return vars(type(method)).get("test_only", ())


def shared_id(config: Mapping, test_only: tuple[str, ...]) -> str | None:
    """Return the identity of the training that a run may share with others, or `None` if it trains by itself.

    These train by themselves: a run that is tested after every epoch, a trial of a search, which may be pruned, a run with
    `outdated=true`, whose training may be of other code, and one on several devices.

    Args:
        config: resolved configuration of the run.
        test_only: the arguments that only the test reads; see `own_test_only`.
    """
    trainer = config["trainer"]
    one_device = trainer["devices"] == 1 and trainer.get("num_nodes", 1) == 1
    alone = config["test_every_epoch"] or config.get("search") or config["outdated"] or not one_device
    return None if alone or not test_only else training_id(config, test_only)

"""Saves checkpoints, deletes old ones, and remembers what a resumed run needs to know."""

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from snnx.record import provenance
from snnx.record.checkpoint import Checkpoints, DamagedCheckpoint, epochs, load, path_of
from snnx.record.write import write


class Keep(Checkpoint):
    """Saves each epoch as `epoch=N.ckpt` and keeps the last two and the best; `last.ckpt` is a link and `best.ckpt` a copy.

    An older checkpoint is deleted only after the new one has been read back and its checksums are right. The best epoch, which
    every later checkpoint refers to, is stored twice. So at any moment at least one checkpoint is good, even if a bit flips in
    one of the files. The class is a `Checkpoint` because Lightning calls checkpoint callbacks after all other callbacks at the
    end of an epoch; it must be the last of them.

    Args:
        folder: folder of the checkpoints, `ckpt` in the run's folder.
        run: identity of the run.
        made_with: digests of code and samples that are stored in each checkpoint.
        outdated: whether to resume also from checkpoints that were made with other code or samples.

    Attributes:
        best_epoch: epoch with the highest validation accuracy so far, the first one if several are equal; without validation,
            the last epoch.
        resumed: the epochs after which the run was resumed.
        before_s: seconds that the training had taken before it was last resumed.
        spent_s: seconds that the training has taken until now.
        trained_by: the run that this training was taken from; see `take`.
    """

    def __init__(self, folder: Path, run: str, made_with: Mapping[str, str], *, outdated: bool = False) -> None:
        self.folder, self.run = folder, run
        self.made_with, self.outdated = made_with, outdated
        self.best = -math.inf
        self.best_epoch = 0
        self.resumed: list[int] = []
        self._epoch = 0
        self.before_s = 0.0
        self.trained_by: str | None = None
        self._made_on: dict[str, str] = {}
        self._started = time.monotonic()

    @property
    def spent_s(self) -> float:
        return self.before_s + time.monotonic() - self._started

    def resume_from(self) -> tuple[Path | None, list[str]]:
        """Find the newest checkpoint to resume from, and return it with one message for each newer one that was rejected.

        A checkpoint is accepted only if the best epoch that it refers to can be read too. A damaged one is renamed to
        `*.corrupt` and one of other code or samples to `*.outdated`, so that each is reported only once.
        """
        complaints = []
        for epoch in epochs(self.folder):
            path = path_of(self.folder, epoch)
            try:
                content = load(path, self.run)
                if self._differs(content):
                    complaints.append(f"{path} comes from other code or samples; kept as {path.with_suffix('.outdated').name}")
                    os.replace(path, path.with_suffix(".outdated"))
                    continue
                self._restore(content["callbacks"][self.state_key]["best_epoch"])
            except (DamagedCheckpoint, FileNotFoundError, KeyError) as error:
                complaints.append(f"{error}; kept as {path.with_suffix('.corrupt').name}")
                os.replace(path, path.with_suffix(".corrupt"))
            else:
                return path, complaints
        return None, complaints

    def take(self, folder: Path, run: str, epoch: int, device: str) -> Path | None:
        """Copy the last checkpoint, and that of the best epoch, of another run that has trained the same network.

        Nothing is copied if the other's checkpoints cannot be read, come from other code, samples, versions of libraries or
        another device, were taken themselves, or if that run was interrupted. Call it only if `resume_from` has found
        nothing.

        Args:
            folder: the other run's folder of checkpoints.
            run: its identity.
            epoch: its last epoch.
            device: the device that this run would train on, as `provenance.device` describes it.

        Returns:
            The copy of the last checkpoint, or `None` if nothing was copied.

        Raises:
            OSError: a copy cannot be written.
        """
        same = {"made_on": _made_on(device), "resumed": [], "trained_by": None}
        try:
            last = load(path_of(folder, epoch), run)
            best = last["callbacks"][self.state_key]["best_epoch"]
            if type(best) is not int or not 0 < best <= epoch:
                return None
            found = {best: last if best == epoch else load(path_of(folder, best), run), epoch: last}
            for content in found.values():
                state = content["callbacks"][self.state_key]
                if any(content[key] != value for key, value in self.made_with.items()):
                    return None
                if any(state[key] != value for key, value in same.items()):
                    return None
        except (DamagedCheckpoint, OSError, KeyError, TypeError):
            return None
        for number, content in found.items():
            content["callbacks"][self.state_key]["trained_by"] = run
            Checkpoints(self.run, self.made_with).save_checkpoint(content, path_of(self.folder, number))
        self._restore(best)
        _link(self.folder / "last.ckpt", path_of(self.folder, epoch))
        return path_of(self.folder, epoch)

    def _restore(self, epoch: int) -> None:
        """Check the best epoch's checkpoint and its copy `best.ckpt`, and replace a bad one by the good one.

        Raises:
            DamagedCheckpoint, FileNotFoundError: both are bad.
        """
        path, copy = path_of(self.folder, epoch), self.folder / "best.ckpt"
        try:
            load(path, self.run)
        except (DamagedCheckpoint, FileNotFoundError):
            content = load(copy, self.run)
            if content["epoch"] + 1 != epoch or self._differs(content):  # Lightning counts from 0
                raise
            write(path, copy.read_bytes())
        else:
            # it differs if the run was killed between saving the checkpoint and copying it, or began again after an edit
            if not copy.is_file() or copy.read_bytes() != path.read_bytes():
                write(copy, path.read_bytes())

    def _differs(self, content: dict) -> bool:
        """Whether a checkpoint comes from other code or samples, and this counts."""
        return not self.outdated and any(content.get(key) != value for key, value in self.made_with.items())

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._made_on = _made_on(provenance.device(trainer.strategy.root_device))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._epoch = epoch = trainer.current_epoch + 1
        if self.trained_by is not None:  # killed between the copies of the best and of the last epoch, so it trains on
            self.trained_by, self.resumed = None, [epoch - 1]
        accuracy = float(trainer.callback_metrics.get("val/acc", math.inf))
        if accuracy > self.best or accuracy == math.inf:
            self.best, self.best_epoch = accuracy, epoch
        path = path_of(self.folder, epoch)
        trainer.save_checkpoint(path)
        if not trainer.is_global_zero:
            return
        load(path, self.run)
        _link(self.folder / "last.ckpt", path)
        if self.best_epoch == epoch:
            write(self.folder / "best.ckpt", path.read_bytes())
        self.prune(keep={epoch, epoch - 1, self.best_epoch})

    def prune(self, keep: set[int]) -> None:
        """Delete the checkpoints of all other epochs."""
        for epoch in epochs(self.folder):
            if epoch not in keep:
                path_of(self.folder, epoch).unlink(missing_ok=True)

    def state_dict(self) -> dict:
        found = {"epoch": self._epoch, "best": self.best, "best_epoch": self.best_epoch}
        found |= {"resumed": self.resumed, "spent_s": self.spent_s}
        return {**found, "trained_by": self.trained_by, "made_on": self._made_on}

    def load_state_dict(self, state_dict: dict) -> None:
        self.best, self.best_epoch = state_dict["best"], state_dict["best_epoch"]
        self.before_s, self.trained_by = state_dict["spent_s"], state_dict.get("trained_by")
        self.resumed = [*state_dict["resumed"], *([] if self.trained_by else [state_dict["epoch"]])]


def _made_on(device: str) -> dict[str, str]:
    """Return what a training's numbers depend on besides configuration, code and samples."""
    return {"device": device, **provenance.versions()}


def _link(name: Path, target: Path) -> None:
    """Make `name` a relative symbolic link to a file in the same folder, replacing an old link in one step."""
    temporary = name.with_suffix(".link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target.name)
    os.replace(temporary, name)

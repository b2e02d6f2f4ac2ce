"""Builds a finished run's data, network and trainer again, with its trained weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl

from snnx.method.base import Method
from snnx.record.identity import changes
from snnx.run.allocator import keep_memory
from snnx.run.build import build_data, build_trainer
from snnx.run.cards import take
from snnx.run.on_one_device import on_one_device
from snnx.run.outdated import changed_since
from snnx.run.overrides import apply_overrides
from snnx.run.reason import reason
from snnx.run.reopen import Reopened, reopen
from snnx.run.signature import check_signatures


@dataclass(frozen=True)
class Rebuilt:
    """A finished run, ready to be tested in this process."""

    run: Reopened
    config: dict  # that of the run, with the changed values
    data: pl.LightningDataModule
    method: Method
    trainer: pl.Trainer

    def outdated(self) -> str | None:
        """Say what has changed of the run's code and samples since it was computed; `None` if nothing has."""
        if any(line.startswith("dataset") for line in changes(self.run.config, self.config)):
            return changed_since(self.run.folder, self.run.config, {})  # other samples were asked for
        config = {**self.run.config, "dataset": self.config["dataset"]}  # the same samples, perhaps in another folder
        return changed_since(self.run.folder, config, self.data.content())


def rebuild(path: str | Path, words: list[str], callbacks: Sequence[pl.Callback] = ()) -> Rebuilt:
    """Build the run's data and method, load its weights, and make a trainer of one device.

    Args:
        path: see `reopen`.
        words: see `apply_overrides`.
        callbacks: the trainer's callbacks.

    Raises:
        FileNotFoundError: there is no such run, or (`NoData`) its data set is not on this machine.
        ValueError: `reopen` or `apply_overrides` rejects its argument, or a component rejects a value.
    """
    keep_memory()
    run = reopen(path)
    config = apply_overrides(run.config, words)
    config = on_one_device(config)
    take(config["trainer"])
    check_signatures(config)
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    with _one_line():
        data = build_data(config)
    data.setup()
    with _one_line():
        method = run.build(config, data)
        trainer = build_trainer(config, run.id, run.folder, callbacks=list(callbacks))
    return Rebuilt(run, config, data, method, trainer)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # Hydra wraps the constructor's own error
        raise ValueError(reason(error)) from error

"""Audits a finished run: checks properties of the network and its data without which its numbers mean nothing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pytorch_lightning as pl

from snnx.audit.above_chance import above_chance
from snnx.audit.emissions import Emissions, activity, spikes
from snnx.audit.finding import FAILED, Finding
from snnx.audit.overlap import overlap
from snnx.audit.predictions import batch, order, repeat
from snnx.audit.recomputed import metrics
from snnx.audit.subject import Subject
from snnx.audit.time_order import time
from snnx.dataset.labelled import Labelled
from snnx.method.base import Method
from snnx.record import result_file
from snnx.record.checkpoint import epochs, path_of
from snnx.record.identity import changes
from snnx.record.masked import masked
from snnx.run.rebuild import rebuild
from snnx.run.reopen import reopen
from snnx.run.test import run_test


@dataclass(frozen=True)
class Audit:
    """The findings about one network."""

    folder: Path
    epoch: int | None  # of the checkpoint, counted from 1; None if nothing was trained
    of_result: bool  # whether the run's numbers come from this network: it is that of the last epoch, and no value was changed
    started: str | None  # when the run that wrote the result was started
    outdated: str | None  # what has changed of the run's code and samples since, or None
    findings: dict[str, Finding]  # by the name of the check

    @property
    def failed(self) -> bool:
        return any(one.outcome == FAILED for one in self.findings.values())

    def as_json(self) -> dict:
        """Return what `audit.json` contains."""
        findings = [{"check": check, **asdict(one)} for check, one in self.findings.items()]
        return {"started": self.started, "epoch": self.epoch, "findings": findings}


def audit(path: str | Path, words: list[str]) -> Audit:
    """Audit the network of a finished run.

    Args:
        path: a run's folder or a link to it, or a `.ckpt` file in it. For a folder, the last epoch is audited, because the
            plain keys of a result, such as `test/acc`, are of that epoch.
        words: see `apply_overrides`.

    Raises:
        FileNotFoundError, ValueError: see `rebuild`.
    """
    run, layers = reopen(path), Emissions()  # rejects a folder whose run has not finished
    last = max(epochs(run.folder / "ckpt"), default=None)
    last_epoch = last is not None and Path(path).expanduser().is_dir()
    rebuilt = rebuild(path_of(run.folder / "ckpt", last) if last_epoch else path, words, callbacks=[layers])
    run = rebuilt.run
    return Audit(
        folder=run.folder,
        epoch=run.epoch,
        of_result=run.epoch == last and not changes(run.config, rebuilt.config),
        started=(result_file.read(run.folder) or {}).get("started"),
        outdated=rebuilt.outdated(),
        findings=check(rebuilt.trainer, rebuilt.method, rebuilt.data, layers, trained=run.epoch is not None),
    )


def check(trainer: pl.Trainer, method: Method, data: Labelled, layers: Emissions, *, trained: bool) -> dict[str, Finding]:
    """Test the network on the whole test set, apply every check, and return the findings by the name of the check.

    An error in a check is a finding too: a network that cannot classify a single sample has failed.

    Args:
        trainer: a trainer whose callbacks contain `layers`.
        trained: whether the weights were trained.
    """
    tested, _ = run_test(trainer, method, data)
    subject = Subject(method, data)
    samples = data.split_counts["test"]
    checks: dict[str, Callable[[], Finding]] = {
        "batch": partial(batch, subject),
        "order": partial(order, subject),
        "repeat": partial(repeat, subject),
        "split": partial(overlap, data),
        "spikes": partial(spikes, layers.layers),
        "activity": partial(activity, layers.layers),
        "chance": partial(above_chance, tested["test/acc"], largest=data.chance, samples=samples, trained=trained),
        "time": partial(time, subject),
        "metrics": partial(metrics, subject),
    }
    return {name: _finding(one) for name, one in checks.items()}


def _finding(one: Callable[[], Finding]) -> Finding:
    try:
        return one()
    except Exception as error:  # a component may fail in any way
        return Finding(FAILED, masked(f"{type(error).__name__}: {' '.join(str(error).split())}"))

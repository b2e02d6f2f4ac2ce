"""Weights & Biases as a view of a run."""

import contextlib
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import wandb

from snnx.logger import account, wandb_file
from snnx.options.sweepfile import find, read
from snnx.options.unit import factor
from snnx.record.job import Job

FINISH_S = 15  # to upload what is waiting when the run has ended; what is left then stays in the run's folder
FLUSH_S = 5.0  # after that for W&B's process to write its file, which it does on its own time


class Incomplete(RuntimeError):
    """W&B has accepted everything and kept less."""


class Wandb:
    """One W&B run per run: group is the sweep, job type the row, the id its hash, the configuration flat and plain.

    Online where an account is set up, offline otherwise; `snnx sync` uploads later. A row an epoch, at the step of that number:
    all runs share one axis, and an attempt that goes on where another was killed logs what is missing. The summary is the run's
    metrics, `paper/<metric>` the paper's number in the metric's own unit, and `difference/<metric>` ours less the paper's. What
    is logged holds no path, no environment and nothing secret.

    Args:
        job: the run.
        project: W&B project.
        mode: `online`, `offline`, or `None` to decide by whether credentials are known.
    """

    def __init__(self, *, job: Job, project: str, mode: str | None = None) -> None:
        self._folder = job.folder
        self._logged = set(wandb_file.rows(job.folder))
        self._papers = papers(job)
        sweep = job.config["sweep"] or {}
        method = job.config["method"]["_target_"].rpartition(".")[2].lower()
        tags = [sweep.get("paper"), sweep.get("artifact"), method, job.scale]
        self._run = _open(
            partial(
                wandb.init,
                project=project,
                id=job.id,
                name=f"{job.row}/s{job.seed}"[:128],
                group=job.sweep,
                job_type=job.row[:64],
                tags=[tag[:64] for tag in tags if tag],
                config=columns(job),
                dir=str(job.folder.absolute()),
                resume="allow",
                settings=wandb.Settings(
                    console="off", silent=True, disable_git=True, disable_code=True, x_disable_stats=True,
                    x_disable_meta=True, x_save_requirements=False, init_timeout=15, finish_timeout=FINISH_S,
                ),
            ),
            mode or account.mode(),
        )  # fmt: skip
        self._run.define_metric("epoch")
        self._run.define_metric("*", step_metric="epoch")
        self._run.summary.update({f"paper/{metric}": value for metric, value in self._papers.items()})

    def show(self, rows: list[dict[str, float]]) -> None:
        """Log the epochs that W&B has not seen."""
        for row in rows:
            if row["epoch"] not in self._logged:
                self._run.log(row, step=int(row["epoch"]))
                self._logged.add(row["epoch"])

    def close(self, exit_code: int, metrics: dict[str, float]) -> None:
        """End the W&B run as finished (0) or failed; the next run of this process starts its own.

        Raises:
            Incomplete: W&B's file holds fewer epochs than were logged, as on a full disk.
        """
        ours = {key: value for key, value in metrics.items() if value is not None}
        apart = {f"difference/{metric}": ours[metric] - value for metric, value in self._papers.items() if metric in ours}
        self._run.summary.update({**ours, **apart})
        self._run.finish(exit_code=exit_code)
        until = time.monotonic() + FLUSH_S
        while self.holds() < len(self._logged):
            if time.monotonic() > until:
                raise Incomplete("its file has fewer epochs than were logged: was the disk full?")
            time.sleep(0.05)

    def abandon(self) -> None:
        """Kill W&B's process."""
        _let_go()

    def holds(self) -> int:
        """How many epochs W&B's files of the run hold."""
        return len(wandb_file.rows(self._folder))


def papers(job: Job) -> dict[str, float]:
    """The paper's numbers for the row of a run, each in its metric's own unit: 91.5 % is 0.915, as ours is."""
    if job.sweep is None:
        return {}
    sweep = read(find(job.sweep))
    reported = next((row.reported for row in sweep.rows if row.label == job.row), {})
    return {metric: value / factor(sweep.unit, metric) for metric, value in reported.items()}


def columns(job: Job) -> dict:
    """The configuration as W&B shows it: a column for every swept key."""
    config = {"row": job.row, "scale": job.scale, **job.config}
    return flat(config, skip=("sweep", "logger", "dataset.root", "label", "force", "recorded", "outdated"))


def flat(config: dict, prefix: str = "", skip: tuple[str, ...] = ()) -> dict:
    """A nested configuration as dotted keys, so that every swept axis is a column of its own.

    Example:
        >>> flat({"seed": 0, "neuron": {"_target_": "snnx.neuron.lif.LIF", "_partial_": True, "tau": 2.0}})
        {'seed': 0, 'neuron': 'LIF', 'neuron.tau': 2.0}
    """
    found: dict = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        if path in skip:
            continue
        if key == "_target_":
            found[prefix.rstrip(".")] = value.rpartition(".")[2]
        elif isinstance(value, dict):
            found |= flat(value, f"{path}.", skip)
        elif not key.startswith("_"):
            found[path] = value
    return found


def _open(opened: partial, mode: str) -> wandb.Run:
    """The W&B run, offline if the server does not answer or does not know the key."""
    if mode == "online" and (obstacle := account.obstacle()):
        print(f"snnx: {obstacle}; this run is kept offline", file=sys.stderr, flush=True)
        mode = "offline"
    try:
        return opened(mode=mode)
    except wandb.errors.Error as error:
        if mode == "offline":
            _let_go()
            raise
        said = " ".join(str(error).split())
        print(f"snnx: W&B is not reachable ({said}); this run is kept offline", file=sys.stderr, flush=True)
        return opened(mode="offline")


def _let_go() -> None:
    """Kill W&B's own process, for which it would wait again when this one ends; the next run starts another."""
    for process in processes():
        os.kill(process, signal.SIGKILL)
    with contextlib.suppress(Exception, SystemExit):  # it complains that the process is gone
        wandb.teardown()


def processes() -> list[int]:
    """The living processes of W&B that this one has started; those that ended have no command line any more."""
    children = [int(word) for path in Path("/proc/self/task").glob("*/children") for word in path.read_text().split()]
    return [child for child in children if b"wandb-core" in Path(f"/proc/{child}/cmdline").read_bytes()]

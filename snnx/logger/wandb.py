"""The logger that writes to Weights & Biases, online or offline."""

import contextlib
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import wandb

from snnx.logger import account, wandb_file
from snnx.logger.wandb_settings import check_wandb_settings
from snnx.options.sweepfile import find, read
from snnx.options.unit import factor
from snnx.record.identity import SWITCHES
from snnx.record.job import Job
from snnx.record.masked import masked
from snnx.record.visible import visible

FINISH_S = 15  # time limit for uploads at the end of a run; what is not uploaded by then stays in the run's folder
FLUSH_S = 5.0  # time limit after that for W&B's own process to finish writing its file


class Incomplete(RuntimeError):
    """W&B's file has fewer epochs than W&B accepted."""


class Wandb:
    """Log a run to W&B: the sweep is its group, the row its job type, the hash its id, and the configuration is flat.

    The step of each row is its epoch, so all runs share one axis, and a run that continues after it was killed logs only the
    missing epochs. The summary has the final metrics, `paper/<metric>` with the paper's number in the metric's own unit, and
    `difference/<metric>`, our number minus the paper's. Texts are logged as plain values, never as Markdown or HTML. No paths,
    environment variables or secrets are logged.

    Args:
        job: the run to log.
        project: name of the W&B project.
        mode: `online`, `offline`, `disabled` to log nothing, or `None` for WANDB_MODE or, without it, online if an API key is
            known. Offline logs are uploaded by `snnx sync`.
        statistics: whether W&B also logs the load and memory of the machine and its GPUs, every 15 seconds.

    Raises:
        ValueError: the current folder has settings of W&B; see `check_wandb_settings`.
    """

    def __init__(self, *, job: Job, project: str, mode: str | None = None, statistics: bool = True) -> None:
        check_wandb_settings(Path.cwd())
        self._folder, self._mode = job.folder, mode or account.mode()
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
                name=visible(f"{job.row}/s{job.seed}")[:128],
                group=visible(job.sweep),
                job_type=visible(job.row)[:64],
                tags=[visible(tag)[:64] for tag in tags if tag],
                config=columns(job),
                dir=str(job.folder.absolute()),
                resume="allow",
                settings=wandb.Settings(
                    console="off", silent=True, disable_git=True, disable_code=True, x_disable_stats=not statistics,
                    x_disable_meta=True, x_save_requirements=False, init_timeout=15, finish_timeout=FINISH_S,
                    base_url=account.server(),
                ),
            ),
            self._mode,
        )  # fmt: skip
        self._run.define_metric("epoch")
        self._run.define_metric("*", step_metric="epoch")
        self._run.summary.update({f"paper/{metric}": value for metric, value in self._papers.items()})

    def show(self, rows: list[dict[str, float]]) -> None:
        """Log the epochs that W&B does not have yet."""
        for row in rows:
            if row["epoch"] not in self._logged:
                self._run.log(row, step=int(row["epoch"]))
                self._logged.add(row["epoch"])

    def close(self, exit_code: int, metrics: dict[str, float]) -> None:
        """Write the summary and end the W&B run as finished (exit code 0) or failed.

        Raises:
            Incomplete: W&B's file has fewer epochs than were logged, for example because the disk is full.
        """
        ours = {key: value for key, value in metrics.items() if value is not None}
        difference = {f"difference/{metric}": ours[metric] - value for metric, value in self._papers.items() if metric in ours}
        self._run.summary.update({**ours, **difference})
        self._run.finish(exit_code=exit_code)
        if self._mode == "disabled":  # then W&B writes no file
            return
        deadline = time.monotonic() + FLUSH_S
        while self.stored_epochs() < len(self._logged):
            if time.monotonic() > deadline:
                raise Incomplete("its file has fewer epochs than were logged: is the disk full?")
            time.sleep(0.05)

    def abandon(self) -> None:
        """Kill W&B's own process."""
        _kill_wandb()

    def stored_epochs(self) -> int:
        """The number of epochs in W&B's files of this run."""
        return len(wandb_file.rows(self._folder))


def papers(job: Job) -> dict[str, float]:
    """The paper's numbers for the row of a run, each in its metric's own unit: 91.5 % becomes 0.915."""
    if job.sweep is None:
        return {}
    sweep = read(find(job.sweep))
    reported = next((row.reported for row in sweep.rows if row.label == job.row), {})
    return {metric: value / factor(sweep.unit, metric) for metric, value in reported.items()}


def columns(job: Job) -> dict:
    """The configuration as W&B shows it, with one column per key, so that a sweep's rows can be grouped by any of them."""
    config = visible({"row": job.row, "scale": job.scale, **job.config})  # an option's texts may come from somebody else
    return flat(config, skip=("sweep", "logger", "dataset.root", "label", *SWITCHES))


def flat(config: dict, prefix: str = "", skip: tuple[str, ...] = ()) -> dict:
    """Flatten a nested configuration to dotted keys; a component is named by its class.

    Args:
        config: the configuration.
        prefix: what the keys begin with.
        skip: dotted keys to leave out.

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
    """Start the W&B run, offline if the server does not answer or rejects the key."""
    if mode == "online" and (obstacle := account.obstacle()):
        print(f"snnx: {obstacle}; this run is logged offline", file=sys.stderr, flush=True)
        mode = "offline"
    try:
        return opened(mode=mode)
    except wandb.errors.Error as error:
        if mode == "offline":
            _kill_wandb()
            raise
        cause = masked(" ".join(str(error).split()))
        print(f"snnx: W&B is not reachable ({cause}); this run is logged offline", file=sys.stderr, flush=True)
        return opened(mode="offline")


def _kill_wandb() -> None:
    """Kill W&B's own process, because W&B would wait for it when our process ends; the next run starts a new one."""
    for process in processes():
        os.kill(process, signal.SIGKILL)
    with contextlib.suppress(Exception, SystemExit):  # W&B raises because its process is gone
        wandb.teardown()


def processes() -> list[int]:
    """The process ids of W&B's own processes that our process has started and that are still running."""
    children = [int(word) for path in Path("/proc/self/task").glob("*/children") for word in path.read_text().split()]
    return [child for child in children if b"wandb-core" in Path(f"/proc/{child}/cmdline").read_bytes()]

"""Hydra's way to launchers of others: runs are composed, checked and frozen here, and done wherever the engine does them."""

# No `from __future__ import annotations` here: see snnx_local.py.
import copy
import multiprocessing
import os
import signal
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import OmegaConf, open_dict


class EngineLauncher(Launcher):
    """Hand frozen runs to another launcher, and judge them by the results they leave.

    Hydra's other launchers compose a run when it starts, stop reading at the first failure, and lose the queue with a worker.
    So an engine gets one word a run, the path of its frozen configuration, and each of its workers does the run in a process
    of its own. What is done already is not handed over. All machines must see this folder under the same path.

    Args:
        extra: the extra of snnx that installs the engine.
        engine: the other launcher's `_target_` and settings.

    Raises:
        ValueError: the engine is not installed, or a run cannot be built.
        SweepFailed: some run did not end well; each has been reported.
    """

    def __init__(self, extra: str, engine: Any) -> None:
        self.extra, self.settings = extra, engine

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        package = ".".join(self.settings["_target_"].split(".")[:2])
        if find_spec(package) is None:
            raise ValueError(
                f"hydra/launcher=snnx_{self.extra} needs packages that are not here: pip install 'snnx[{self.extra}]'"
            )
        self.context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from snnx.compose.check import check
        from snnx.compose.freeze import freeze
        from snnx.run import history
        from snnx.sweep.display import Display
        from snnx.sweep.exit_code import SweepFailed, judge
        from snnx.sweep.result_watcher import ResultWatcher

        jobs = freeze(self.context.config_loader, self.config, job_overrides, initial_job_idx)
        display = Display(jobs)
        todo = [one for one in jobs if history.finished(one) is None]
        with display.console.status(f"checking {len(todo)} runs"):
            for one in todo:
                check(one)
        jobs, todo = ([history.renew(one) for one in some] for some in (jobs, todo))
        with display, ResultWatcher(display, jobs) as follow:
            words = [[str(one.save(self._frozen).resolve())] for one in todo]
            trouble = self._engine(words, initial_job_idx) if words else None
        outcomes = follow.outcomes(trouble)
        display.tally(jobs, outcomes)
        if complaint := judge(outcomes):
            raise SweepFailed(complaint)
        return [
            JobReturn(overrides=one.overrides, status=JobStatus.COMPLETED, _return_value=outcome)
            for one, outcome in zip(jobs, outcomes, strict=True)
        ]

    @property
    def _frozen(self) -> Path:
        return Path(self.config.hydra.sweep.dir) / "jobs"

    def _engine(self, words: list[list[str]], first: int) -> str | None:
        """Let the engine do all runs; what it complained of, since the results say how each run ended."""
        from hydra.core.plugins import Plugins

        config = copy.deepcopy(self.config)
        with open_dict(config):
            config.hydra.launcher = self.settings
        context = HydraContext(config_loader=Frozen(), callbacks=self.context.callbacks)
        launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=work, config=config)
        try:
            launcher.launch(words, first)
        except Exception as error:  # whatever an engine raises when it loses a worker
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
        return None


class Frozen:
    """Stands where an engine looks for Hydra's loader: a run has been composed, and its one word says where it lies."""

    def load_sweep_config(self, master_config: Any, sweep_overrides: list[str]) -> Any:
        config = copy.deepcopy(master_config)
        OmegaConf.set_readonly(config.hydra, False)
        with open_dict(config):
            config.hydra.overrides.task = list(sweep_overrides)
        return config


def work(config: Any) -> None:
    """What a worker of an engine does: one run in a process of its own, so that a run that dies is no worker that dies."""
    from snnx.record.job import Job
    from snnx.run import fork_server
    from snnx.sweep import pool

    hydra = HydraConfig.get()
    os.chdir(hydra.runtime.cwd)
    multiprocessing.set_start_method("forkserver", force=True)  # joblib's workers state one of their own, unknown to a child
    if "SUBMITIT_EXECUTOR" in os.environ:  # Slurm's warning goes to every process, and the one that requeues is this one
        requeue = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        fork_server.warm()  # inherits that it ignores the warning, and so do the runs
        signal.signal(signal.SIGUSR2, requeue)
    pool.run([Job.load(Path(hydra.overrides.task[0]))])

"""Lets other Hydra launchers, called engines here, execute runs that snnx has composed, checked and frozen before."""

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
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import OmegaConf, open_dict

from hydra_plugins.snnx_returned import returned


class EngineLauncher(Launcher):
    """Hand frozen runs to another launcher, and judge them by the results that they write.

    Hydra's other launchers compose a run only when it starts, stop collecting results at the first failure, and lose the
    remaining runs when a worker dies. So for each run the engine gets a single word, the path of the frozen job, and each
    worker executes the run in a separate process. Runs that are done already are not handed over. All machines must see this
    folder under the same path.

    Args:
        extra: name of the extra of snnx that installs the engine, as in `pip install 'snnx[EXTRA]'`.
        engine: the other launcher's `_target_` and settings.

    Raises:
        ValueError: the engine is not installed, or a run cannot be built.
        SweepFailed: at least one run failed; each failure has been reported.
    """

    def __init__(self, extra: str, engine: Any) -> None:
        self.extra, self.settings = extra, engine

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        package = ".".join(self.settings["_target_"].split(".")[:2])
        if find_spec(package) is None:
            raise ValueError(
                f"hydra/launcher=snnx_{self.extra} needs packages that are not installed; run: pip install 'snnx[{self.extra}]'"
            )
        self.context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from snnx.compose.check_all import check_all
        from snnx.compose.freeze import freeze
        from snnx.compose.interrupt import interruptible
        from snnx.record.storage import check_storage
        from snnx.run import history
        from snnx.sweep.display import Display
        from snnx.sweep.result_watcher import ResultWatcher

        jobs = freeze(self.context.config_loader, self.config, job_overrides)
        display = Display(jobs)
        todo = [one for one in jobs if history.finished(one) is None]
        if todo:
            display.networks = check_all(todo)
            display.warn(check_storage(Path(jobs[0].outputs)))
        jobs, todo = ([history.start_over_if_forced(one) for one in some] for some in (jobs, todo))
        with display, interruptible(), ResultWatcher(display, jobs) as follow:
            words = [[str(one.save(self._frozen).resolve())] for one in todo]
            trouble = self._engine(words, initial_job_idx) if words else None
        outcomes = follow.outcomes(trouble)
        return returned(display, jobs, outcomes)

    @property
    def _frozen(self) -> Path:
        return Path(self.config.hydra.sweep.dir) / "jobs"

    def filled(self) -> Any:
        """Return the engine's settings; `n_jobs: null` becomes the number of this machine's GPUs, or 2 without a GPU."""
        from snnx.run.cards import cards

        settings = copy.deepcopy(self.settings)
        if "n_jobs" in settings and settings["n_jobs"] is None:
            settings["n_jobs"] = len(cards()) or 2
        return settings

    def _engine(self, words: list[list[str]], first: int) -> str | None:
        """Let the engine execute all runs, and return its error message, or `None` if it raised no error.

        An error of the engine is not raised, because the result files say how each run ended.
        """
        from hydra.core.plugins import Plugins

        config = copy.deepcopy(self.config)
        with open_dict(config):
            config.hydra.launcher = self.filled()
        context = HydraContext(config_loader=Frozen(), callbacks=self.context.callbacks)
        launcher = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=work, config=config)
        try:
            launcher.launch(words, first)
        except Exception as error:  # engines raise different errors when a worker dies
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
        return None


class Frozen:
    """Takes the place of Hydra's configuration loader in an engine, since the runs have been composed already.

    The only override of a run is the path of its frozen job.
    """

    def load_sweep_config(self, master_config: Any, sweep_overrides: list[str]) -> Any:
        config = copy.deepcopy(master_config)
        OmegaConf.set_readonly(config.hydra, False)
        with open_dict(config):
            config.hydra.overrides.task = list(sweep_overrides)
        return config


def work(config: Any) -> None:
    """Execute one run in an engine's worker, in a separate process, so that a crash of the run does not kill the worker."""
    from snnx.record.job import Job
    from snnx.run import fork_server
    from snnx.run.cards import unhide
    from snnx.sweep import pool

    hydra = HydraConfig.get()
    if (ray := hydra.launcher.get("ray")) is not None and not ray.remote.get("num_gpus"):  # then Ray hides all cards
        unhide()
    os.chdir(hydra.runtime.cwd)
    multiprocessing.set_start_method("forkserver", force=True)  # joblib's own start method does not exist in a child process
    if "SUBMITIT_EXECUTOR" in os.environ:  # Slurm signals a time-out to every process, but only this one may requeue the job
        requeue = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        fork_server.start()  # the fork server and the runs inherit that the signal is ignored
        signal.signal(signal.SIGUSR2, requeue)
    pool.run([Job.load(Path(hydra.overrides.task[0]))])

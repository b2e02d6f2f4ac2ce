"""Hydra's launcher for `snnx.sweep.pool`: it composes and checks all runs first, then executes each in its own process."""

# No `from __future__ import annotations` here: Hydra's plugin scan cannot resolve a dataclass whose annotations are text.
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher

from hydra_plugins.snnx_returned import returned


@dataclass
class LocalConf:
    _target_: str = "hydra_plugins.snnx_local.LocalLauncher"
    n_jobs: int | None = None  # how many runs are executed at once, which share the cores; null: one per GPU, or one
    timeout_s: float | None = None  # seconds after which a run is killed
    retries: int = 0  # how many more attempts a run gets if its process dies


ConfigStore.instance().store(group="hydra/launcher", name="snnx_local", node=LocalConf, provider="snnx")


class LocalLauncher(Launcher):
    """Freeze and check all configurations before the first run starts, then hand them to the pool.

    Raises:
        ValueError: `n_jobs`, `timeout_s` or `retries` is out of range, or a run cannot be built.
        SweepFailed: at least one run failed; each failure has been reported.
    """

    def __init__(self, n_jobs: int | None, timeout_s: float | None, retries: int) -> None:
        from snnx.run.cards import cards

        if n_jobs is not None and n_jobs < 1:
            raise ValueError(f"hydra.launcher.n_jobs must be at least 1, or null; got {n_jobs}")
        if timeout_s is not None and not timeout_s > 0:
            raise ValueError(f"hydra.launcher.timeout_s must be positive, or null; got {timeout_s}")
        if retries < 0:
            raise ValueError(f"hydra.launcher.retries must be at least 0; got {retries}")
        self.n_jobs, self.timeout_s, self.retries = n_jobs or len(cards()) or 1, timeout_s, retries

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        self.loader, self.config = hydra_context.config_loader, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from snnx.compose.check_all import check_all
        from snnx.compose.freeze import freeze
        from snnx.record.storage import check_storage
        from snnx.run import history
        from snnx.sweep import pool
        from snnx.sweep.display import Display

        jobs = freeze(self.loader, self.config, job_overrides)
        display = Display(jobs)
        if todo := [one for one in jobs if history.finished(one) is None]:
            display.networks = check_all(todo)
            display.warn(check_storage(Path(jobs[0].outputs)))
        jobs = [history.start_over_if_forced(one) for one in jobs]
        with display:
            outcomes = pool.run(
                jobs,
                n_jobs=self.n_jobs,
                timeout_s=self.timeout_s,
                retries=self.retries,
                on_start=display.start,
                on_wait=display.wait,
                on_tick=display.refresh,
                on_end=display.end,
            )
        return returned(display, jobs, outcomes)

"""`snnx plan`: a launcher that measures and compares the runs of a sweep instead of executing them."""

# No `from __future__ import annotations` here: see snnx_local.py.
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus

from hydra_plugins.snnx_local import LocalConf, LocalLauncher


@dataclass
class PlanConf(LocalConf):
    _target_: str = "hydra_plugins.snnx_plan.PlanLauncher"
    confounds: str = "refuse"  # or allow


ConfigStore.instance().store(group="hydra/launcher", name="snnx_plan", node=PlanConf, provider="snnx")


class PlanLauncher(LocalLauncher):
    """Compose and check every run, take a few steps with each distinct network, and print what the sweep will cost.

    Args:
        n_jobs, timeout_s, retries: settings of the planned sweep; `n_jobs` networks are measured at once, as they would run.
        confounds: with `refuse`, rows that differ in more than the sweep's factor are an error; with `allow`, the differences
            are only listed.

    Raises:
        ValueError: an argument is out of range, or a run cannot be built.
        Confounded: rows differ in more than the factor.
    """

    def __init__(self, n_jobs: int | None, timeout_s: float | None, retries: int, confounds: str) -> None:
        super().__init__(n_jobs, timeout_s, retries)
        if confounds not in ("refuse", "allow"):
            raise ValueError(f"confounds must be refuse or allow; got {confounds}")
        self.confounds = confounds

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from rich.console import Console

        from snnx.compose.check_all import check_all
        from snnx.compose.freeze import freeze
        from snnx.compose.interrupt import interruptible
        from snnx.run import fork_server
        from snnx.sweep.plan.done import done
        from snnx.sweep.plan.plan import Plan
        from snnx.sweep.unmeasured import Unmeasured

        context = fork_server.start()
        jobs = freeze(self.loader, self.config, job_overrides)
        console = Console(emoji=False, highlight=False)
        if not console.is_terminal:
            console = Console(emoji=False, highlight=False, width=160)  # a pipe has no width
        check_all(jobs)
        unmeasured = Unmeasured(None if jobs[0].config["search"] else jobs[0].sweep)
        distinct = {one.group: one for one in reversed(jobs)}  # one seed of each network
        with interruptible(), ProcessPoolExecutor(self.n_jobs, mp_context=context, max_tasks_per_child=1) as executor:
            costs, named = self._measure(executor, [one for one in jobs if distinct[one.group] is one], unmeasured, console)
        plan = Plan(jobs, costs, done=done(jobs), n_jobs=self.n_jobs)
        plan.show(console)
        for text in self._power(jobs):
            console.print(text, markup=False, soft_wrap=True)
        for row, names in named.items():
            for line in unmeasured.planned(row, names):
                console.print(f"! {line}", markup=False, soft_wrap=True)
        plan.compare(console, refuse=self.confounds == "refuse")
        return [JobReturn(overrides=one.overrides, status=JobStatus.COMPLETED, _return_value=None) for one in jobs]

    @staticmethod
    def _power(jobs: list) -> list[str]:
        """Say how large a difference must be for the planned seeds to decide it; nothing without a sweep file."""
        from snnx.options.sweepfile import sweep_named
        from snnx.sweep.plan.power import power

        jobs = [one for one in jobs if not one.config["search"]]
        if not jobs[0].sweep:
            return []
        first, seeds = jobs[0], min(Counter(one.group for one in jobs).values())
        return power(sweep_named(first.sweep), seeds, first.scale, Path(first.outputs), Path("docs/results"))

    def _measure(self, executor: ProcessPoolExecutor, jobs: list, unmeasured: Any, console: Any) -> tuple[dict, dict]:
        """Measure each network.

        Returns:
            Its cost, or the reason why it could not be measured, by group; by row, the names of the metrics that a short test
            has measured, for the rows for which `unmeasured` needs a test.
        """
        from snnx.record.masked import masked
        from snnx.sweep.cores import cores

        threads = max(1, cores() // self.n_jobs)
        companions = [jobs[index % len(jobs)] for index in range(max(0, self.n_jobs - len(jobs)))]  # to fill all slots
        with console.status(f"measuring {len(jobs)} networks, {self.n_jobs} at once"):
            begun: list[Future] = [
                executor.submit(_measured, one, threads, unmeasured.needs_test(one.row)) for one in [*jobs, *companions]
            ]
            found, named = {}, {}
            for one, future in zip(jobs, begun, strict=False):
                try:
                    found[one.group], names = future.result()
                    named |= {one.row: names} if names else {}
                except Exception as error:  # such as out of memory, or no data
                    found[one.group] = masked((str(error).strip().splitlines() or [type(error).__name__])[0])
        return found, named


def _measured(job: Any, threads: int, tested: bool) -> tuple[Any, list[str]]:
    """Return the cost of a run and, with `tested`, what its test measures.

    This runs in the process that measures the run, because the launcher's own never imports torch.
    """
    from snnx.sweep.plan.measure import measure
    from snnx.sweep.short_test import measured_names

    cost, names = measure(job, threads), []
    if tested:
        with suppress(Exception):  # the cost is known all the same, and the sweep warns after its first run
            names = measured_names(job)
    return cost, names

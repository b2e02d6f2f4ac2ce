"""Reports what a sweep will cost, and whether its rows can be compared."""

import math

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from snnx.record.job import Job
from snnx.report.data.format import duration
from snnx.run import history
from snnx.sweep.plan.confounds import confounds
from snnx.sweep.plan.forecast import span
from snnx.sweep.plan.measure import Cost

NOTE = (
    "FLOPs and SynOps are of one sample's forward over all steps. SynOps are the weights that meet a spike, before training, "
    "without attention products. Memory is the process's peak."
)


class Confounded(ValueError):
    """The rows of an ablation differ in more than its factor."""


class Plan:
    """The cost of a sweep's runs and the comparison of its rows.

    Args:
        jobs: all runs.
        costs: group of a run (`Job.group`) to the cost of its network, or to the reason why the cost is not known.
        done: whether each run is done already.
        n_jobs: how many run at once.
    """

    def __init__(self, jobs: list[Job], costs: dict[str, Cost | str], *, done: list[bool], n_jobs: int) -> None:
        self.jobs, self.costs, self.done, self.n_jobs = jobs, costs, done, n_jobs

    @property
    def left_s(self) -> float:
        """Seconds until all remaining runs whose cost is known are done."""
        todo = [job for job, done in zip(self.jobs, self.done, strict=True) if not done]
        costs = [(self.costs[job.group], history.last_epoch(job)) for job in todo]
        return span([cost.left_s(reached) for cost, reached in costs if isinstance(cost, Cost)], self.n_jobs)

    def show(self, console: Console) -> None:
        """Print a table with one line per row, its network's size and cost, and then the total."""
        table = Table("row", "runs", "parameters", "FLOPs", "SynOps", "memory", "a step", "a run", "left", caption=NOTE)
        for group in dict.fromkeys(job.group for job in self.jobs):
            mine = [(job, done) for job, done in zip(self.jobs, self.done, strict=True) if job.group == group]
            left = sum(not done for _, done in mine)
            cost, row, runs = self.costs[group], escape(mine[0][0].row), str(len(mine))
            if isinstance(cost, str):
                table.add_row(row, runs, *["-"] * 6, f"{left}: {escape(cost)}")
                continue
            table.add_row(
                row, runs, f"{cost.parameters:,}", _short(cost.flops), _short(cost.synops), f"{cost.peak_mb:,} MB",
                f"{cost.step_s * 1000:.0f} ms", duration(cost.run_s), f"{left}" if left else "done",
            )  # fmt: skip
        console.print(table)
        todo = sum(not done for done in self.done)
        unknown = len({group for group, cost in self.costs.items() if isinstance(cost, str)})
        without = f", without the {unknown} networks that could not be measured" if unknown else ""
        how = f"with {self.n_jobs} at once at scale {self.jobs[0].scale}{without}"
        console.print(f"{todo} of {len(self.jobs)} runs to do: about {duration(self.left_s)} {how}")

    def compare(self, console: Console, *, refuse: bool) -> None:
        """Print what differs between rows besides the factor.

        Raises:
            Confounded: there is such a difference, and `refuse` is set.
        """
        factor = (self.jobs[0].config["sweep"] or {}).get("factor")
        first = {job.row: job for job in reversed(self.jobs)}
        rows = {row: first[row] for row in dict.fromkeys(job.row for job in self.jobs)}
        known = {row: (job.config, cost.built) for row, job in rows.items() if isinstance(cost := self.costs[job.group], Cost)}
        if factor is None or len(known) < 2:
            return
        named = factor if isinstance(factor, str) else " and ".join(factor)
        found = confounds(factor, known)
        if not found:
            console.print(f"the {len(known)} rows differ in {named} and in nothing else")
            return
        for line in found:
            console.print(f"[yellow]≠[/] {escape(line)}", soft_wrap=True)
        if refuse:
            raise Confounded(f"rows must differ in {named} and in nothing else; got the above; confounds=allow plans it anyway")


def _short(count: float) -> str:
    """Format a count with three digits and a suffix for thousands, millions and so on.

    Example:
        >>> _short(0), _short(1234), _short(5_670_000)
        ('0', '1.23k', '5.67M')
    """
    thousands = min(4, int(math.log10(max(count, 1)) // 3))
    return f"{count / 1000**thousands:.3g}{('', 'k', 'M', 'G', 'T')[thousands]}"

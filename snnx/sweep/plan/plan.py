"""Reports what a sweep will cost, and whether its rows can be compared."""

import math

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from snnx.options.differences import confounds
from snnx.record.job import Job
from snnx.report.data.format import duration
from snnx.run import history
from snnx.run.shared_training import file_of, is_left
from snnx.sweep.compared import compared
from snnx.sweep.plan.cost import Cost
from snnx.sweep.plan.forecast import span

NOTE = (
    "FLOPs and SynOps are for the forward pass of one sample over all time steps. SynOps count the weights that receive a "
    "spike in the untrained network, without the products of attention. Memory is the peak of the process."
)


class Confounded(ValueError):
    """Raised when the rows of an ablation differ in more than its factor, so that they cannot be compared."""


class Plan:
    """The cost of a sweep's runs and the comparison of its rows.

    Args:
        jobs: all runs.
        costs: by group of a run (`Job.group`), the cost of its network or the reason why it is not known.
        done: for each run, whether it is done already.
        n_jobs: how many runs are executed at a time.
    """

    def __init__(self, jobs: list[Job], costs: dict[str, Cost | str], *, done: list[bool], n_jobs: int) -> None:
        self.jobs, self.costs, self.done, self.n_jobs = jobs, costs, done, n_jobs

    @property
    def left_s(self) -> float:
        """Seconds until all remaining runs whose cost is known are done; a training that several runs share counts once.

        Two such runs that start at the same time both train, so with several processes it can take longer.
        """
        left, trained = [], set()
        for job, done in zip(self.jobs, self.done, strict=True):
            if not isinstance(cost := self.costs[job.group], Cost):
                continue
            if done:
                continue
            training, epoch = file_of(job.config, job.outputs, cost.test_only), history.resumed_epoch(job)
            shared = not epoch and training is not None
            if shared and (training in trained or is_left(training, cost.epochs)):
                epoch = cost.epochs
            elif shared:  # a training that was interrupted is left to no other run
                trained.add(training)
            left.append(cost.left_s(epoch))
        return span(left, self.n_jobs)

    def show(self, console: Console) -> None:
        """Print a table with one line per row, its network's size and cost, and then the total."""
        table = Table("row", "runs", "parameters", "FLOPs", "SynOps", "memory", "per step", "per run", "left", caption=NOTE)
        for group in dict.fromkeys(job.group for job in self.jobs):
            members = [(job, done) for job, done in zip(self.jobs, self.done, strict=True) if job.group == group]
            left = sum(not done for _, done in members)
            cost, row, runs = self.costs[group], escape(members[0][0].row), str(len(members))
            if isinstance(cost, str):
                table.add_row(row, runs, *["-"] * 6, f"{left}: {escape(cost)}")
                continue
            table.add_row(
                row, runs, f"{cost.parameters:,}", _short(cost.flops), _short(cost.synops), cost.memory,
                f"{cost.step_s * 1000:.0f} ms", duration(cost.run_s), f"{left}" if left else "done",
            )  # fmt: skip
        console.print(table)
        todo = sum(not done for done in self.done)
        unknown = len({group for group, cost in self.costs.items() if isinstance(cost, str)})
        if unknown == len(self.costs):
            console.print(f"{todo} of {len(self.jobs)} runs to do; no network could be measured, so their time is not known")
            return
        without = f", without the {unknown} networks that could not be measured" if unknown else ""
        how = f"with {self.n_jobs} at a time at scale {self.jobs[0].scale}{without}"
        most = ", at most: a search may stop trials early" if any(job.config.get("search") for job in self.jobs) else ""
        console.print(f"{todo} of {len(self.jobs)} runs to do: about {duration(self.left_s)} {how}{most}")

    def compare(self, console: Console, *, refuse: bool) -> None:
        """Print the differences between rows that the sweep's factor does not explain.

        Args:
            console: where to print.
            refuse: whether such a difference is an error.

        Raises:
            Confounded: there is such a difference, and `refuse` is true.
        """
        explained, rows = compared(self.jobs)
        networks = {row: cost.built for row, job in rows.items() if isinstance(cost := self.costs[job.group], Cost)}
        if len(networks) < 2:
            return
        factors = " and ".join(explained)
        found = confounds(explained, {row: rows[row].config for row in networks}, networks)
        if not found:
            console.print(f"the {len(networks)} rows differ only in {factors}")
            return
        for one in found:
            console.print(f"[yellow]≠[/] {escape(str(one))}", soft_wrap=True)
        if refuse:
            raise Confounded(f"rows must differ only in {factors}; got the differences above: confounds=allow plans it anyway")


def _short(count: float) -> str:
    """Format a count with three digits and a suffix for thousands, millions and so on.

    Example:
        >>> _short(0), _short(1234), _short(5_670_000)
        ('0', '1.23k', '5.67M')
    """
    thousands = min(4, int(math.log10(max(count, 1)) // 3))
    return f"{count / 1000**thousands:.3g}{('', 'k', 'M', 'G', 'T')[thousands]}"

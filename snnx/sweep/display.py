"""Shows a sweep on the terminal: a bar for the sweep, a bar for each active run, and a line for each finished run."""

import json
import statistics
import sys
import threading

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from snnx.record.job import Job
from snnx.record.read import read
from snnx.record.summary import MARKS, summary
from snnx.run import history
from snnx.sweep.compared import warnings
from snnx.sweep.output import Output
from snnx.sweep.unfused import Unfused
from snnx.sweep.unmeasured import Unmeasured


class Display:
    """Shows progress bars from the runs' `progress.json`; if the output is not a terminal, only a line for each finished run.

    It is a context manager. The code that executes the jobs calls `start`, `end` and `refresh`.

    Args:
        jobs: all jobs of the sweep.
        console: where to print; standard output if it is `None`.
    """

    def __init__(self, jobs: list[Job], console: Console | None = None) -> None:
        self.console = console or Console(file=Output(sys.stdout), emoji=False)
        self.jobs, self.total = jobs, len(jobs)
        self.width = max((len(job.title) for job in jobs), default=0)
        self.networks: dict[str, dict] = {}  # what `check_all` returned; the launcher sets it
        self.ended = 0
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),  # with markup, `:b:` in a name would become a picture
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("[cyan]{task.fields[note]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.whole: TaskID | None = None
        self.live: dict[str, tuple[Job, TaskID]] = {}
        self.unmeasured, self.unfused = Unmeasured(jobs[0].sweep if jobs else None), Unfused()
        self.found = {job.id: history.describe_earlier_attempt(job) for job in jobs}  # read now, before the runs overwrite it

    def __enter__(self) -> "Display":
        for one in warnings(self.jobs, self.networks):
            self.console.print(f"[yellow]≠[/] {escape(str(one))}, which the sweep's factor does not explain", soft_wrap=True)
        if self.total > 1:
            self.whole = self.bars.add_task(f"{self.total} runs", total=self.total, note="")
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def start(self, job: Job) -> None:
        """Show that a run has begun; if an earlier attempt left something, a line says what was found."""
        if job.id not in self.live:  # a run that waited for another process starts more than once
            if found := self.found.get(job.id):
                self.console.print(f"↻ {escape(job.title)}  {escape(found)}", highlight=False, soft_wrap=True)
            self.live[job.id] = (job, self.bars.add_task(f"  {job.title}", total=1.0, note="starting"))

    def wait(self, job: Job, holder: str) -> None:
        """Show that a run waits for another process, which has locked it."""
        line = f"⏳ {escape(job.title)}  waits for {escape(holder)}, which is computing it"
        self.console.print(line, highlight=False, soft_wrap=True)

    def warn(self, lines: list[str]) -> None:
        """Show lines that concern the whole sweep."""
        for line in lines:
            self.console.print(f"[yellow]![/] {escape(line)}", highlight=False, soft_wrap=True)

    def refresh(self) -> None:
        """Update the bars from the runs' `progress.json`."""
        shares = 0.0
        for job, task in self.live.values():
            try:
                state = json.loads(read(job.folder / "progress.json"))
                accuracy = "" if state["val/acc"] is None else f"  val/acc {state['val/acc']:.3f}"
                self.bars.update(task, completed=state["done"], note=f"epoch {state['epoch']}/{state['epochs']}{accuracy}")
                shares += state["done"]
            except (OSError, ValueError, LookupError, TypeError, RecursionError):  # not written yet, or not by snnx
                continue
        if self.whole is not None:
            self.bars.update(self.whole, completed=self.ended + shares)

    def end(self, job: Job, outcome: dict) -> None:
        """Show that a run has ended, with a line that stays on the screen."""
        self.ended += 1
        if job.id in self.live:
            _, task = self.live.pop(job.id)
            self.bars.remove_task(task)
        count = f"{self.ended:>{len(str(self.total))}}/{self.total}  " if self.total > 1 else ""
        line = f"{MARKS[outcome['status']]} {count}{escape(f'{job.title:<{self.width}}')}  {escape(summary(outcome))}"
        self.console.print(line, highlight=False, soft_wrap=True)
        self.warn([] if job.config.get("search") else self.unmeasured.warnings(job.row, outcome))
        self.warn(self.unfused.warnings(job.row, outcome) if self.total > 1 else [])  # a single run has said so itself
        self.console.file.flush()  # so that `tail -f` on a log shows each run as soon as it ends
        self.refresh()

    def tally(self, jobs: list[Job], outcomes: list[dict]) -> None:
        """Print a table with mean and spread over seeds, for runs that belong to no sweep file and so have no report."""
        if self.total < 2 or jobs[0].sweep:
            return
        groups: dict[str, list[dict]] = {}
        for job, outcome in zip(jobs, outcomes, strict=True):
            groups.setdefault(job.row, []).append(outcome)
        table = Table("run", "val/acc", "test/acc", "done")
        for row, ended in groups.items():
            done = [outcome["metrics"] for outcome in ended if outcome["status"] == "done"]
            cells = [_spread([m[key] for m in done if m.get(key) is not None]) for key in ("val/acc", "test/acc")]
            table.add_row(escape(row), *cells, f"{len(done)} of {len(ended)}")
        self.console.print(table)

    def watch(self, job: Job) -> "_Watch":
        """Keep the display up to date during a run that is executed in this process."""
        return _Watch(self, job)


class _Watch:
    def __init__(self, display: Display, job: Job) -> None:
        self.display, self.job = display, job
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> "_Watch":
        self.display.start(self.job)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _follow(self) -> None:
        while not self.stop.wait(0.25):
            self.display.refresh()


def _spread(values: list[float]) -> str:
    """Format mean and sample standard deviation: `-` without values, the mean alone for one value."""
    if not values:
        return "-"
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{spread}"

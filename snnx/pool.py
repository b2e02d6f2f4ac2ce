"""Runs jobs in processes of their own, a few at a time, so that no run can take another one down."""

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from snnx import ledger, machine, provenance
from snnx.job import Job
from snnx.write import write

BUSY = 75  # exit code of a process that found its run locked: try again later
UNWRITTEN = 74  # of one that could not write its result
STOPPED = 130  # of one that was asked to stop and has saved what it had
POLL_S = 0.25


@dataclass
class _Attempt:
    index: int  # of the job
    retries: int  # left
    not_before: float = 0.0
    process: BaseProcess | None = None
    started: float = 0.0  # on the clock of the file system
    timed_out: bool = False
    gpu: str | None = None


def warm() -> multiprocessing.context.BaseContext:
    """Start the server that the jobs are forked from; it imports torch and Lightning once, while the caller goes on."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["snnx.run"])
    from multiprocessing import forkserver

    # The terminal sends Ctrl-C to every process. The server and the runs ignore it from birth: `run` asks them.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, handler)
    return context


def run(
    jobs: Sequence[Job],
    *,
    n_jobs: int = 1,
    timeout_s: float | None = None,
    retries: int = 0,
    on_start: Callable[[Job], None] = lambda job: None,
    on_tick: Callable[[], None] = lambda: None,
    on_end: Callable[[Job, dict], None] = lambda job, outcome: None,
) -> list[dict]:
    """Run all jobs, at most `n_jobs` at once, with the cores divided among them; those that are done cost nothing.

    Where there are GPUs each run sees one, that with the fewest runs; a run that asks for several devices sees all.

    What a job ended with is read from its folder. A process that leaves no result there (killed, out of memory, or beyond
    `timeout_s`) gets up to `retries` more attempts and then a result that says so; the others go on. A run that another
    process is at is waited for.

    At Ctrl-C or SIGTERM no more runs are started, and those that run are asked to end with their epoch and its checkpoint; at
    the second they are killed.

    Args:
        n_jobs: at least 1.
        timeout_s: seconds after which a run is killed; `None` waits.
        retries: more attempts for a run whose process died, at least 0.
        on_start, on_tick, on_end: for a display.

    Returns:
        One outcome a job, in order: the content of its `result.json`, with `before` set if it was done before.

    Raises:
        KeyboardInterrupt: it was stopped, and what had begun has ended.
    """
    threads = max(1, machine.cores() // n_jobs)
    outcomes: dict[int, dict] = {}
    todo: deque[_Attempt] = deque()
    for index, job in enumerate(jobs):
        if (found := ledger.finished(job)) is None:
            todo.append(_Attempt(index, retries))
        else:
            ledger.link(job.link, job.folder)
            outcomes[index] = {**found, "before": True}
            on_end(job, outcomes[index])
    if not todo:
        return [outcomes[index] for index in range(len(jobs))]
    context = warm()
    cards = machine.gpus()
    live: dict[int, _Attempt] = {}
    with _asked(live) as stopping:
        while (todo and not stopping) or live:
            while todo and not stopping and len(live) < n_jobs and todo[0].not_before <= time.monotonic():
                attempt = todo.popleft()
                attempt.started = time.time()
                if jobs[attempt.index].config["trainer"]["devices"] == 1:
                    attempt.gpu = machine.freest(cards, [other.gpu for other in live.values()])
                attempt.process = context.Process(target=_child, args=(jobs[attempt.index], threads, attempt.gpu))
                attempt.process.start()
                live[attempt.process.sentinel] = attempt
                on_start(jobs[attempt.index])
            for sentinel in wait(list(live), timeout=POLL_S):
                attempt = live.pop(sentinel)
                attempt.process.join()
                job, found = jobs[attempt.index], _result(jobs[attempt.index], attempt)
                if found is None and attempt.process.exitcode == BUSY:
                    todo.append(_Attempt(attempt.index, attempt.retries, time.monotonic() + 1))
                elif found is None and stopping:
                    on_end(job, {"status": "stopped", "error": None})
                elif found is None and attempt.retries:
                    todo.append(_Attempt(attempt.index, attempt.retries - 1))
                else:
                    outcomes[attempt.index] = found or _died(job, attempt, timeout_s)
                    on_end(job, outcomes[attempt.index])
            for attempt in live.values():
                if timeout_s and time.time() - attempt.started > timeout_s:
                    attempt.timed_out = True
                    attempt.process.kill()
            on_tick()
            if not live and todo and not stopping:
                time.sleep(max(0.0, todo[0].not_before - time.monotonic()))
    if stopping:
        raise KeyboardInterrupt
    return [outcomes[index] for index in range(len(jobs))]


@contextmanager
def _asked(live: dict[int, _Attempt]) -> Iterator[list[int]]:
    """The signals that have asked to stop, none at first; nothing that runs outlives the context."""
    signals: list[int] = []

    def ask(number: int, frame: object) -> None:
        signals.append(number)
        if len(signals) > 1:
            raise KeyboardInterrupt
        print("\nsnnx: stopping when the runs have saved their epoch; Ctrl-C again stops now", file=sys.stderr, flush=True)
        for attempt in list(live.values()):
            attempt.process.terminate()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for attempt in live.values():
            attempt.process.kill()
        for attempt in live.values():
            attempt.process.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _result(job: Job, attempt: _Attempt) -> dict | None:
    """The result that this attempt left, or one that it found to be enough."""
    path = job.folder / "result.json"
    if path.exists() and path.stat().st_mtime >= attempt.started - 1:
        return ledger.result(job.folder)
    return ledger.finished(job) if attempt.process.exitcode == 0 else None


def _died(job: Job, attempt: _Attempt, timeout_s: float | None) -> dict:
    """A result in the name of a process that could not write its own."""
    code = attempt.process.exitcode
    cause = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    if code == UNWRITTEN:
        cause = f"could not write to {job.folder}: is the disk full or read-only?"
    if attempt.timed_out:
        cause = f"took longer than hydra.launcher.timeout_s={timeout_s:g} and was killed"
    error = {"type": "ProcessDied", "message": f"the process {cause}; its output is in run.log", "traceback": ""}
    started = datetime.fromtimestamp(attempt.started, UTC).isoformat(timespec="seconds")
    outcome = {**provenance.identity(job), "status": "failed", "error": error, "started": started}
    outcome["wall_s"] = round(time.time() - attempt.started, 2)
    with suppress(OSError, ledger.Busy), ledger.claim(job.folder):  # a full disk must not take the other runs along
        write(job.folder / "result.json", ledger.to_json(outcome))
    return outcome


def _child(job: Job, threads: int, gpu: str | None) -> None:
    """The process of one run: output into its folder, its share of the machine, and the run."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before anything asks for a device
    job.folder.mkdir(parents=True, exist_ok=True)
    log = os.open(job.folder / "run.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)

    import torch

    from snnx.run import execute

    torch.set_num_threads(threads)
    try:
        outcome = execute(job)
    except ledger.Busy:
        sys.exit(BUSY)
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except OSError as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(UNWRITTEN)
    if error := outcome.get("error"):
        print(error["traceback"], file=sys.stderr)

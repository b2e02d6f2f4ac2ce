"""Runs jobs in processes of their own, a few at a time, so that no run can take another one down."""

import contextlib
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from snnx import ledger
from snnx.job import Job

BUSY = 75  # exit code of a process that found its run locked: try again later
POLL_S = 0.25


@dataclass
class _Live:
    job: Job
    process: BaseProcess
    attempt: int
    started: float


def warm() -> multiprocessing.context.BaseContext:
    """Start the server that the jobs are forked from; it imports torch and Lightning once, while the caller goes on."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["snnx.run"])
    from multiprocessing import forkserver

    forkserver.ensure_running()
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
    """Run all jobs, at most `n_jobs` at once, with the cores divided among them.

    What a job ended with is read from its folder. A process that leaves no result there (killed, out of memory, hung beyond
    `timeout_s`) is one dead run with its exit code and up to `retries` more attempts; the others go on. A run that another
    process is at is waited for.

    Returns:
        One outcome a job, in order: the content of `result.json`, or `{"status": "dead", "error": ...}`.
    """
    context = warm()
    threads = max(1, cores() // n_jobs)
    todo: deque[tuple[Job, int, float]] = deque((job, 0, 0.0) for job in jobs)
    live: dict[int, _Live] = {}
    outcomes: dict[str, dict] = {}
    try:
        while todo or live:
            while todo and len(live) < n_jobs and todo[0][2] <= time.monotonic():
                job, attempt, _ = todo.popleft()
                process = context.Process(target=_child, args=(job, threads), name=job.title)
                process.start()
                live[process.sentinel] = _Live(job, process, attempt, time.monotonic())
                on_start(job)
            for sentinel in wait(list(live), timeout=POLL_S):
                ended = live.pop(sentinel)
                ended.process.join()
                outcome = _outcome(ended)
                if ended.process.exitcode == BUSY:
                    todo.append((ended.job, ended.attempt, time.monotonic() + 1))
                elif outcome["status"] == "dead" and ended.attempt < retries:
                    todo.append((ended.job, ended.attempt + 1, 0.0))
                else:
                    outcomes[ended.job.name] = outcome
                    on_end(ended.job, outcome)
            for running in live.values():
                if timeout_s and time.monotonic() - running.started > timeout_s:
                    running.process.kill()
            on_tick()
            if not live and todo:
                time.sleep(max(0.0, todo[0][2] - time.monotonic()))
    finally:
        for running in live.values():
            running.process.terminate()
        for running in live.values():
            running.process.join()
    return [outcomes[job.name] for job in jobs]


def cores() -> int:
    """How many cores the sweep may use: OMP_NUM_THREADS where it is set, else those this process may run on."""
    stated = os.environ.get("OMP_NUM_THREADS", "")
    return int(stated) if stated.isdigit() and int(stated) else len(os.sched_getaffinity(0))


def _outcome(ended: _Live) -> dict:
    """The result in the folder; a process that was killed left none, since a run removes the old one when it starts."""
    code = ended.process.exitcode
    found = ledger.result(ended.job.folder)
    if code == 0 and found is not None:
        return found
    cause = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
    message = f"the process {cause} without a result; its output is in {ended.job.folder / 'run.log'}"
    return {"status": "dead", "error": {"type": "ProcessDied", "message": message, "traceback": ""}, "metrics": {}}


def _child(job: Job, threads: int) -> None:
    """The process of one run: output into its folder, its share of the cores, and the run."""
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
    if error := outcome.get("error"):
        print(error["traceback"], file=sys.stderr)
    with contextlib.suppress(OSError):
        sys.stdout.flush()

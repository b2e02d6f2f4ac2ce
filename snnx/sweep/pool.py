"""Executes each job in its own process, a few at a time, so that a crash of one run cannot affect another."""

import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing.connection import wait

from snnx.record import run_folder
from snnx.record.job import Job
from snnx.run import child_process, fork_server, history
from snnx.sweep.attempt import Attempt, new_result, result_of, stamp, still_locked, write_failure
from snnx.sweep.cores import cores
from snnx.sweep.running_time import RunningTime

POLL_S = 0.25  # how often the display is updated


def run(
    jobs: Sequence[Job],
    *,
    n_jobs: int = 1,
    timeout_s: float | None = None,
    retries: int = 0,
    on_start: Callable[[Job], None] = lambda job: None,
    on_wait: Callable[[Job, str], None] = lambda job, holder: None,
    on_tick: Callable[[], None] = lambda: None,
    on_end: Callable[[Job, dict], None] = lambda job, outcome: None,
) -> list[dict]:
    """Execute all jobs, at most `n_jobs` at once, with the cores divided among them; jobs that are done already are skipped.

    If there are GPUs, each run takes the ones that the fewest runs use, see `snnx.run.cards`.

    The outcome of a job is read from its folder. If its process leaves no result there (it was killed, ran out of memory or
    exceeded `timeout_s`), the job gets up to `retries` more attempts. If all of them fail, a result with status failed is
    written for it, and the other jobs are still executed. If another process is already executing a run, this function waits
    for its result, but not longer than `timeout_s` for one process. Seconds in which a process was stopped do not count.

    On the first Ctrl-C or SIGTERM, no further runs are started, and the active ones are asked to finish their epoch and save a
    checkpoint. On the second one, they are killed.

    Args:
        n_jobs: how many jobs run at once, at least 1.
        timeout_s: seconds after which a run is killed, and after which waiting for another process ends; `None`: no limit.
        retries: how many more attempts a run gets if its process dies, at least 0.
        on_start, on_wait, on_tick, on_end: callbacks for a display; `on_wait` gets the name of the process that is waited for.

    Returns:
        One outcome per job, in order: the content of its `result.json`, with `before` set if it was done before the sweep.

    Raises:
        KeyboardInterrupt: the sweep was stopped; all active runs have ended.
    """
    threads = max(1, cores() // n_jobs)
    outcomes: dict[int, dict] = {}
    todo: deque[Attempt] = deque()
    for index, job in enumerate(jobs):
        if (found := history.finished(job)) is None:
            todo.append(Attempt(index, retries, stamp(job)))
        else:
            run_folder.link(job.link, job.folder)
            outcomes[index] = {**found, "before": True}
            on_end(job, outcomes[index])
    if not todo:
        return [outcomes[index] for index in range(len(jobs))]
    context = fork_server.start()
    active: dict[int, Attempt] = {}
    with _stop_signals(active) as stopping:
        while (todo and not stopping) or active:
            while todo and not stopping and len(active) < n_jobs and todo[0].not_before <= time.monotonic():
                attempt = todo.popleft()
                if (found := new_result(jobs[attempt.index], attempt)) is not None:  # another sweep has executed the same run
                    outcomes[attempt.index] = found
                    on_end(jobs[attempt.index], found)
                    continue
                attempt.began = time.monotonic()
                attempt.started = datetime.now(UTC).isoformat(timespec="seconds")
                attempt.process = context.Process(target=child_process.main, args=(jobs[attempt.index], threads))
                attempt.process.start()
                attempt.ran = RunningTime(attempt.process.pid)
                active[attempt.process.sentinel] = attempt
                if stopping:  # the signal came during the start, when the process was not in `active` yet
                    attempt.process.terminate()
                on_start(jobs[attempt.index])
            for sentinel in wait(list(active), timeout=POLL_S):
                attempt = active.pop(sentinel)
                attempt.process.join()
                job, found = jobs[attempt.index], result_of(jobs[attempt.index], attempt)
                if found is not None:
                    outcomes[attempt.index] = found
                    on_end(job, found)
                elif attempt.process.exitcode in (child_process.BUSY, child_process.LOST):
                    later = attempt.wait_for(run_folder.holder(job.folder))
                    if timeout_s and later.waited.passed() > timeout_s:
                        outcomes[attempt.index] = still_locked(job, later, timeout_s)
                        on_end(job, outcomes[attempt.index])
                        continue
                    if later.holder != attempt.holder and attempt.process.exitcode == child_process.BUSY:
                        on_wait(job, later.holder)
                    todo.append(later)
                    context = fork_server.start()  # starts a new fork server if the old one died; its runs are still alive
                elif stopping:
                    on_end(job, {"status": "stopped", "error": None})
                elif attempt.retries:
                    attempt.retries -= 1
                    todo.append(attempt.again())
                else:
                    outcomes[attempt.index] = write_failure(job, attempt, timeout_s)
                    on_end(job, outcomes[attempt.index])
            for attempt in [*todo, *active.values()]:
                if attempt.waited:
                    attempt.waited.passed()
            for attempt in active.values():
                if timeout_s and attempt.ran.passed() > timeout_s:
                    attempt.timed_out = True
                    attempt.process.kill()
            on_tick()
            if not active and todo and not stopping:
                time.sleep(max(0.0, todo[0].not_before - time.monotonic()))
    if stopping:
        raise KeyboardInterrupt
    return [outcomes[index] for index in range(len(jobs))]


@contextmanager
def _stop_signals(active: dict[int, Attempt]) -> Iterator[list[int]]:
    """Yield a list that receives each signal to stop; when the context ends, all processes that still run are killed.

    Ctrl-C, SIGTERM and a closed terminal (SIGHUP) are such signals.
    """
    signals: list[int] = []

    def ask(number: int, frame: object) -> None:
        signals.append(number)
        if len(signals) > 1:
            if number != signal.SIGHUP:  # a terminal that is closed sends it more than once
                raise KeyboardInterrupt
            return
        with suppress(OSError):  # the terminal may be closed
            print("\nsnnx: stopping after this epoch of each run; press Ctrl-C again to stop now", file=sys.stderr, flush=True)
        for attempt in list(active.values()):
            attempt.process.terminate()

    numbers = [signal.SIGINT, signal.SIGTERM]
    numbers += [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL else []  # under nohup it is ignored
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield signals
    finally:
        for attempt in active.values():
            attempt.process.kill()
        for attempt in active.values():
            attempt.process.join()
        for number, handler in before.items():
            signal.signal(number, handler)

"""The process of one run, and what its exit code says."""

import multiprocessing
import os
import signal
import sys

from snnx import ledger
from snnx.job import Job

BUSY = 75  # exit code of a process that found its run locked: try again later
LOST = 255  # what a process ends with to us when the server that started it has died; it goes on, and holds its lock
UNWRITTEN = 74  # of one that could not write its result
STOPPED = 130  # of one that was asked to stop and has saved what it had


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


def child(job: Job, threads: int, gpu: str | None) -> None:
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

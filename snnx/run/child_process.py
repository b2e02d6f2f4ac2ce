"""The process that executes one run, and its exit codes."""

import os
import sys
from pathlib import Path

from snnx.options.own_components import make_importable
from snnx.record import run_folder
from snnx.record.job import Job

BUSY = 75  # another process held the run's lock; try again later
LOST = 255  # Python reports this code when the fork server has died; the run's process itself goes on and keeps its lock
UNWRITTEN = 74  # the process could not write its result
STOPPED = 130  # the process was asked to stop and has saved its checkpoint


def main(job: Job, threads: int) -> None:
    """Execute one run in this process, with its output in `run.log` and with the given number of threads."""
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
        log = os.open(job.folder / "run.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
    except OSError:  # the process that started this one says why
        sys.exit(UNWRITTEN)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout.reconfigure(errors="replace")  # as in `main`: a message must not end a run
    make_importable(Path.cwd())  # the process that started this one may lack the user's own components on its path

    import torch

    from snnx.run.execute import execute

    torch.set_num_threads(threads)
    try:
        outcome = execute(job)
    except run_folder.Busy:
        sys.exit(BUSY)
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except OSError as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(UNWRITTEN)
    if error := outcome.get("error"):
        print(error["traceback"], file=sys.stderr)

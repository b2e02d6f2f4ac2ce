"""The process of one run, and what its exit code says."""

import os
import sys
from pathlib import Path

from snnx.options.own_components import make_importable
from snnx.record import run_folder
from snnx.record.job import Job

BUSY = 75  # exit code of a process that found its run locked: try again later
LOST = 255  # what Python reports of a process when the fork server has died; the process itself goes on and holds its lock
UNWRITTEN = 74  # of one that could not write its result
STOPPED = 130  # of one that was asked to stop and has saved what it had


def main(job: Job, threads: int, gpu: str | None) -> None:
    """The process of one run: output into its folder, its share of the machine, and the run."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before anything asks for a device
    job.folder.mkdir(parents=True, exist_ok=True)
    log = os.open(job.folder / "run.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    make_importable(Path.cwd())  # whoever started this process may not stand in the folder of its components

    import torch

    from snnx.run.run import execute

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

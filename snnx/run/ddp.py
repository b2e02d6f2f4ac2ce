"""The other processes of a run that is trained on several devices at once, on one machine or on several."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.process import BaseProcess

import torch
from lightning_fabric.plugins.environments.lightning import find_free_network_port

from snnx.method.finite import Diverged
from snnx.record.job import Job
from snnx.run import fork_server
from snnx.run.cards import VISIBLE
from snnx.run.machine_rank import machine_rank

DIVERGED = 76  # exit code of a process whose loss is not finite
PATIENCE_S = 10.0  # how long to wait for each other process to end after the training


@contextmanager
def other_processes(job: Job, compute: Callable[[Job], object]) -> Iterator[None]:
    """Start the other processes of a run on this machine, and end them when the context ends; this process is the first here.

    Lightning would start them by repeating this process's command line. Each would then compose its own configuration, try to
    lock the run, or even start a whole sweep. Here each process gets the finished job instead: it trains on its share of every
    batch, and it locks and writes nothing.

    Args:
        job: the run.
        compute: the function that every process calls with the job; it must be at the top level of a module, so that it can
            be pickled.

    Raises:
        RuntimeError: one of the others died.
    """
    trainer = job.config["trainer"]
    size, machines = trainer["devices"], trainer.get("num_nodes", 1)
    if size * machines == 1 or local_rank():
        yield
        return
    threads = torch.get_num_threads()
    share = max(1, threads // size)
    here = machine_rank(trainer)
    environment = {
        "MASTER_ADDR": here.address,
        "MASTER_PORT": str(here.port or find_free_network_port()),
        "WORLD_SIZE": str(size * machines),
        "NODE_RANK": str(here.rank),
    }
    before = {key: os.environ.get(key) for key in (*environment, "LOCAL_RANK")}
    shared = {VISIBLE: os.environ[VISIBLE]} if VISIBLE in os.environ else {}  # the fork server has the old value
    context = fork_server.start()
    processes = [
        context.Process(target=_train, args=(without_views(job), compute, shared | environment | {"LOCAL_RANK": str(r)}, share))
        for r in range(1, size)
    ]
    for process in processes:
        process.start()
    os.environ.update(environment | {"LOCAL_RANK": "0"})  # tells Lightning that the other processes have been started already
    torch.set_num_threads(share)
    try:
        yield
        for process in processes:
            process.join(PATIENCE_S)
    except RuntimeError as error:
        if isinstance(error, Diverged):
            raise
        if not (dead := _dead(processes)):
            if machines == 1:
                raise
            raise RuntimeError(f"a machine of the run may have stopped; what it printed says why: {error}") from error
        if processes[dead - 2].exitcode == DIVERGED:
            raise Diverged(f"loss must stay finite; it is not in process {dead} of {size}: lower optimizer.lr") from error
        raise RuntimeError(f"process {dead} of {size} died while training; its output is in run.log") from error
    finally:
        for process in processes:
            process.kill()
            process.join()
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
        torch.set_num_threads(threads)


def local_rank() -> int:
    """Return the rank of this process among those of its run on this machine."""
    return int(os.environ.get("LOCAL_RANK", 0))


def require_first_process() -> None:
    """Reject a process that another program has started as a further one of a run on this machine.

    Raises:
        RuntimeError: it is not the first one.
    """
    if local_rank():
        raise RuntimeError(f"LOCAL_RANK must not be set, because snnx starts the processes of a run; got {local_rank()}")


def leads(job: Job) -> bool:
    """Whether this process is the first of its run on the first machine; only that one locks, tests and writes."""
    return local_rank() == 0 and machine_rank(job.config["trainer"]).rank == 0


def without_views(job: Job) -> Job:
    """Return the job for a process that does not lead it, and so sends nothing to W&B or TensorBoard."""
    return replace(job, config={**job.config, "logger": {}})


def _dead(processes: list[BaseProcess]) -> int | None:
    """Return the number of the first process that failed, counted from 1; number 1 is this process, so the result is >= 2."""
    for number, process in enumerate(processes, 2):
        process.join(2.0)  # its connection breaks shortly before the process has ended
        if process.exitcode:
            return number
    return None


def _train(job: Job, compute: Callable[[Job], object], environment: dict[str, str], threads: int) -> None:
    """Train in one of the other processes of a run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process decides when to stop
    log = os.open(job.folder / "run.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(environment)
    torch.set_num_threads(threads)
    try:
        compute(job)
    except Diverged as error:
        print(error, flush=True)
        os._exit(DIVERGED)  # at once: the other processes are waiting for this one's gradients

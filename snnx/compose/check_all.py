"""Checks the runs of a sweep in a separate process, so that the sweep's process never imports torch."""

from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from snnx.compose.check import check
from snnx.compose.counted_line import counted_line
from snnx.options.own_components import make_importable
from snnx.record.job import Job
from snnx.run import fork_server


def check_all(jobs: Sequence[Job]) -> dict[str, dict]:
    """Check every run, as `check` does, in one process from the fork server, which has already imported torch for the runs.

    Importing torch and Lightning takes seconds of a core and half a gigabyte. A process that only starts runs and shows how
    they proceed needs neither.

    Returns:
        The networks of the runs, as `check` describes them, by `Job.group`.

    Raises:
        ValueError: something is wrong with a run; the message is that of `check` for the first such run.
    """
    if several := next((job for job in jobs if job.config["trainer"].get("num_nodes", 1) > 1), None):
        raise ValueError(
            f"trainer.num_nodes must be 1 in a sweep, because each machine would compose it; got "
            f"{several.config['trainer']['num_nodes']} in {several.title}: execute this run by itself, with row= and without -m"
        )
    context = fork_server.start()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_check_each, args=(jobs, sender))
    process.start()
    networks: dict[str, dict] = {}
    sender.close()  # otherwise `recv` would wait for ever if the process died
    with counted_line("checking", len(jobs)) as count:
        try:
            while not isinstance(complaint := receiver.recv(), str):
                networks |= complaint
                count()
        except EOFError:
            process.join()
            complaint = f"the process that checks the runs must finish; it ended with exit code {process.exitcode}"
        process.join()
    if complaint:
        raise ValueError(complaint)
    return networks


def _check_each(jobs: Sequence[Job], sender: Connection) -> None:
    """Check each run, and send its network by its group after each; at the end, send what is wrong, or an empty text."""
    make_importable(Path.cwd())  # the server may have been started before the user's own components were on the path
    complaint = ""
    with suppress(BrokenPipeError):  # Ctrl-C has ended the sweep in the meantime
        try:
            checked: set[str] = set()
            for job in jobs:
                network = check(job, checked)
                sender.send({} if network is None else {job.group: network})
        except ValueError as error:
            complaint = str(error)
        sender.send(complaint)

"""The fork server, from which the processes of runs are forked, so that they need not import torch again."""

import multiprocessing
import os
import signal
import tempfile
from multiprocessing.util import get_temp_dir

LONGEST_TEMPORARY = 107 - len("/pymp-12345678/listener-12345678")
"""Bytes that the path of the temporary folder may have, since that of a socket may have 107."""
SHORT = ("/tmp", "/var/tmp", "/dev/shm")


def start() -> multiprocessing.context.BaseContext:
    """Start the fork server; it imports torch and Lightning once, in the background.

    Returns:
        The context with which processes are started from it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["snnx.run.execute", "snnx.run.loaded_code"])
    from multiprocessing import forkserver

    # The terminal sends Ctrl-C, and SIGHUP if it is closed, to every process. The server and the runs ignore both from the
    # start: `pool.run` stops them.
    _short_temporary_folder()
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return context


def _short_temporary_folder() -> None:
    """Let the server's socket be in a folder with a short path if the temporary folder has a long one.

    A socket's path may have 107 bytes, and temporary folders of Slurm may have longer ones. `get_temp_dir` makes a folder at
    its first call, uses it from then on, and removes it when the program ends.
    """
    if len(os.fsencode(tempfile.gettempdir())) <= LONGEST_TEMPORARY:
        return
    before = tempfile.tempdir
    tempfile.tempdir = next((place for place in SHORT if os.access(place, os.W_OK | os.X_OK)), before)
    try:
        get_temp_dir()
    finally:
        tempfile.tempdir = before

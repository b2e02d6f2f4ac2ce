"""The fork server, from which the processes of runs are forked, so that they need not import torch again."""

import multiprocessing
import signal


def start() -> multiprocessing.context.BaseContext:
    """Start the fork server; it imports torch and Lightning once, in the background.

    Returns:
        The context with which processes are started from it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["snnx.run.run", "snnx.run.loaded_code"])
    from multiprocessing import forkserver

    # The terminal sends Ctrl-C to every process. The server and the runs ignore it from the start: `pool.run` stops them.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, handler)
    return context

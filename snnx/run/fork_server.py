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

    # The terminal sends Ctrl-C, and SIGHUP if it is closed, to every process. The server and the runs ignore both from the
    # start: `pool.run` stops them.
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return context

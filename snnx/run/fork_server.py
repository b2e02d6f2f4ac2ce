"""The server from which the processes of runs are forked."""

import multiprocessing
import signal


def warm() -> multiprocessing.context.BaseContext:
    """Start the server that the runs are forked from; it imports torch and Lightning once, in the background."""
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

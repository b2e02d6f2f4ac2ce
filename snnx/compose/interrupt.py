"""Handles Ctrl-C while snnx is still starting and composing, when there is nothing to save."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.util import get_temp_dir

INTERRUPTED = 130  # the shell's exit code for a program that SIGINT ended
NOTE = "snnx: interrupted; run the same command again to finish what is missing"


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """Make Ctrl-C end the program immediately for as long as the context lasts.

    If Python raises KeyboardInterrupt while a C++ library is being imported, the library aborts the process and prints an
    unrelated message. While OmegaConf composes, it may replace the interrupt by an error about a key. Outside the main thread,
    or if other code handles the signal already, nothing changes.

    Example:
        >>> with exit_on_interrupt():
        ...     import torch
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt again for as long as the context lasts, inside of `exit_on_interrupt`.

    Use it for work that must shut down cleanly, such as a run, or an engine that has started processes.

    Example:
        >>> with exit_on_interrupt(), interruptible():
        ...     signal.getsignal(signal.SIGINT) is signal.default_int_handler
        True
    """
    alone = threading.current_thread() is threading.main_thread()
    if not alone or signal.getsignal(signal.SIGINT) is not _leave:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _leave)


def _leave(number: int, frame: object) -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\x1b[?25h")  # shows the cursor, which a progress display may have hidden
    os.write(2, f"{NOTE}\n".encode())  # print could be interrupted in the middle of another print
    if "multiprocessing.forkserver" in sys.modules:
        shutil.rmtree(get_temp_dir(), ignore_errors=True)  # the socket's folder, which Python removes only in a normal exit
    os._exit(INTERRUPTED)

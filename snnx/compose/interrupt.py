"""Handles Ctrl-C while snnx is still starting and composing, when there is nothing to save."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
NOTE = "snnx: interrupted; the same line again finishes what is missing"


@contextmanager
def at_once() -> Iterator[None]:
    """Make Ctrl-C end the program immediately for as long as the context lasts.

    If Python raises KeyboardInterrupt while a C++ library is being imported, the library aborts the process with a message of
    its own; if it raises it while OmegaConf composes, OmegaConf may replace it by an error about a key. Outside the main
    thread, or if other code handles the signal already, nothing changes.

    Example:
        >>> with at_once():
        ...     import torch
    """
    alone = threading.current_thread() is threading.main_thread()
    if not alone or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt again for as long as the context lasts, inside of `at_once`.

    For work that must end in order when it is interrupted, such as a run or an engine with processes of its own.

    Example:
        >>> with at_once(), interruptible():
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
        sys.stdout.write("\x1b[?25h")  # a display may have hidden the cursor
    print(NOTE, file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)

"""What Ctrl-C does while nothing is at stake yet."""

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
    """Let Ctrl-C end the program on the spot, as long as the context lasts.

    Libraries in C++ abort the process, in their own words, when Python raises KeyboardInterrupt in the middle of their import.
    Outside the main thread, or where somebody else handles the signal, nothing changes.

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


def _leave(number: int, frame: object) -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\x1b[?25h")  # a display may have hidden the cursor
    print(NOTE, file=sys.stderr, flush=True)
    os._exit(INTERRUPTED)

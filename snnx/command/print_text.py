"""Prints to a pipe that may be closed early."""

import os
import sys

from snnx.record.visible import visible


def print_text(text: str) -> None:
    """Print a text, with its control characters shown; a reader that closes the pipe early, such as `head`, causes no error."""
    try:
        print(visible(text), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise Python reports the error again at exit

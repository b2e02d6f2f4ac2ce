"""Prints to a pipe that may be closed early."""

import os
import sys


def print_text(text: str) -> None:
    """Print a text; a reader that closes the pipe early, such as `head`, causes no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise Python reports the error again at exit

"""Writes to standard output, even if nobody reads it any more, without an error."""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO


def open_closed_streams() -> None:
    """Connect standard input, output and error to the null device where the command was started without them, as by `1>&-`.

    Python then has no stream to write to. And the first files that a run opens, such as its checkpoint, would get the
    descriptors 0 to 2, to which libraries and processes of runs write.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free descriptor, which is this one
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


class Output:
    """Writes to a stream until a write fails; everything after that is dropped.

    A sweep whose output nobody reads any more goes on: after `| head`, a closed terminal, or on a full disk. The descriptor of
    the stream is then connected to the null device, so that nothing that is still in a buffer fails later.

    Args:
        stream: the stream, such as `sys.stdout`.

    Example:
        >>> import io
        >>> closed = io.StringIO()
        >>> closed.write = lambda text: (_ for _ in ()).throw(BrokenPipeError())
        >>> Output(closed).write("text")
        4
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        with suppress(OSError):  # a stream in memory has no descriptor
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())

"""Writes to standard output, also if nobody reads it any more, without an error."""

import os
from contextlib import suppress
from typing import Any, TextIO


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

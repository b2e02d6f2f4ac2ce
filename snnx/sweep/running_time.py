"""Measures how long a process has run, without the time in which it was stopped."""

import time
from pathlib import Path

GAP_S = 3.0
"""The most seconds that count between two calls of `passed`. A longer gap means that this process itself was stopped."""


class RunningTime:
    """Adds up the seconds in which a process was not stopped, for a time limit.

    Seconds in which the process is stopped, by SIGSTOP, Ctrl-Z or a debugger, do not count. Nor do those in which the process
    that measures is stopped; therefore `passed` must be called at least every `GAP_S` seconds. The time of day is not used.

    Args:
        pid: the process; `None` measures this process.

    Example:
        >>> 0 <= RunningTime().passed() < 1
        True
    """

    def __init__(self, pid: int | None = None) -> None:
        self.pid = pid
        self._passed, self._seen = 0.0, time.monotonic()

    def passed(self) -> float:
        """Return the seconds until now."""
        now = time.monotonic()
        if self.pid is None or not stopped(self.pid):
            self._passed += min(now - self._seen, GAP_S)
        self._seen = now
        return self._passed


def stopped(pid: int) -> bool:
    """Whether a process is stopped; False if it has ended, or on a system without `/proc`.

    Example:
        >>> import os
        >>> stopped(os.getpid())
        False
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in (b"T", b"t")

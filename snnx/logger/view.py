"""A logger at arm's length from the run that it shows."""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Protocol

PATIENCE_S = 30.0  # for a view to take what is still waiting when the run has ended


class Logger(Protocol):
    """What an option of the group `logger` is: it gets the rows of `metrics.csv`, and nothing else of the training."""

    def show(self, rows: list[dict[str, float]]) -> None:
        """Take all rows so far; those of an epoch shown before, also by an earlier attempt of the run, come again."""

    def close(self, exit_code: int, metrics: dict[str, float]) -> None:
        """End as finished (0) or failed, with the final metrics, none if the run has failed."""

    def abandon(self) -> None:
        """Let go at once, also of what hangs; may be called from another thread."""

    def holds(self) -> int:
        """How many epochs have arrived where the logger sends them."""


class View:
    """Runs a logger in a thread of its own: whatever it waits for, and however it fails, costs it the view and not the run.

    The calls are made in order. The first that raises is the last: the logger is let go, the training goes on, and `close` says
    so once. A logger that hangs is let go when `close` has waited long enough.

    Args:
        title: of the logger, for the warning.
        opened: makes the logger.
        patience_s: how long `close` waits.
    """

    def __init__(self, title: str, opened: Callable[[], Logger], patience_s: float = PATIENCE_S) -> None:
        self.title, self._patience_s = title, patience_s
        self._calls: queue.SimpleQueue = queue.SimpleQueue()
        self._logger: Logger | None = None
        self._cause: str | None = None  # of its failure
        self._shown = 0
        self._thread = threading.Thread(target=self._work, args=(opened,), name=title, daemon=True)
        self._thread.start()

    def show(self, rows: list[dict[str, float]]) -> None:
        """Hand over the rows so far; returns at once."""
        self._shown = len(rows)
        self._calls.put(lambda logger, rows=list(rows): logger.show(rows))

    def close(self, exit_code: int, metrics: dict[str, float]) -> str | None:
        """End the view; returns what went wrong with it, in one line."""

        def end(logger: Logger) -> None:
            logger.close(exit_code, metrics)
            raise _Ended

        self._calls.put(end)
        self._thread.join(self._patience_s)
        if self._thread.is_alive():
            self._cause = f"no answer within {self._patience_s:g} s"
            self._let_go()
        if self._cause is None:
            return None
        return f"{self.title} was switched off for this run ({self._cause}): {self._held()}; metrics.csv has all"

    def _work(self, opened: Callable[[], Logger]) -> None:
        try:
            self._logger = opened()
            while True:
                self._calls.get()(self._logger)
        except _Ended:
            pass
        except BaseException as error:  # a logger may raise what it likes
            if self._cause is None:  # else it hung, was let go, and complains of that
                self._cause = " ".join(f"{type(error).__name__}: {error}".split())
                self._let_go()

    def _let_go(self) -> None:
        if self._logger is not None:
            with contextlib.suppress(Exception):
                self._logger.abandon()

    def _held(self) -> str:
        try:
            held = self._logger.holds() if self._logger is not None else 0
        except Exception as error:
            return f"what it holds cannot be read ({error})"
        return f"it holds {held} of {self._shown} epochs"


class _Ended(Exception):
    """Ends the thread."""

"""A logger that runs in its own thread, so that it can neither stop nor slow down the run."""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Protocol

PATIENCE_S = 30.0  # time limit for the logger to process what is still waiting when the run has ended


class Logger(Protocol):
    """The interface of an option of the group `logger`: it gets the rows of `metrics.csv` and the final metrics."""

    def show(self, rows: list[dict[str, float]]) -> None:
        """Log the rows of all epochs so far.

        Each call contains the epochs of earlier calls again, and after a restart those that the killed process logged.
        """

    def close(self, exit_code: int, metrics: dict[str, float]) -> None:
        """Finish the log.

        Args:
            exit_code: 0 if the run has finished, 1 if it has failed.
            metrics: the final metrics; empty if the run has failed.
        """

    def abandon(self) -> None:
        """Give up immediately, even if a call hangs; may be called from another thread."""

    def stored_epochs(self) -> int:
        """The number of epochs that have reached the logger's destination."""


class View:
    """Run a logger in a separate thread, so that the training continues if the logger waits or fails.

    The logger's calls are made in order. After the first call that raises, the logger is abandoned and gets no further calls;
    `close` returns what went wrong. If a call hangs, the logger is abandoned when `close` has waited for `patience_s`.

    Args:
        title: name of the logger, for the warning.
        opened: makes the logger; called in the thread.
        patience_s: how long `close` waits, in seconds.
    """

    def __init__(self, title: str, opened: Callable[[], Logger], patience_s: float = PATIENCE_S) -> None:
        self.title, self._patience_s = title, patience_s
        self._calls: queue.SimpleQueue = queue.SimpleQueue()
        self._logger: Logger | None = None
        self._cause: str | None = None  # why the logger failed
        self._shown = 0
        self._thread = threading.Thread(target=self._work, args=(opened,), name=title, daemon=True)
        self._thread.start()

    def show(self, rows: list[dict[str, float]]) -> None:
        """Pass the rows of all epochs so far to the logger, without waiting for it."""
        self._shown = len(rows)
        self._calls.put(lambda logger, rows=list(rows): logger.show(rows))

    def close(self, exit_code: int, metrics: dict[str, float]) -> str | None:
        """Wait for the logger to finish.

        Args:
            exit_code: 0 if the run has finished, 1 if it has failed.
            metrics: the final metrics.

        Returns:
            A warning in one line if the logger has failed, otherwise `None`.
        """

        def end(logger: Logger) -> None:
            logger.close(exit_code, metrics)
            raise _Ended

        self._calls.put(end)
        self._thread.join(self._patience_s)
        if self._thread.is_alive():
            self._cause = f"no answer within {self._patience_s:g} s"
            self._abandon()
        if self._cause is None:
            return None
        return f"{self.title} was switched off for this run ({self._cause}): {self._stored()}; metrics.csv has all"

    def _work(self, opened: Callable[[], Logger]) -> None:
        try:
            self._logger = opened()
            while True:
                self._calls.get()(self._logger)
        except _Ended:
            pass
        except BaseException as error:  # a logger may raise any exception, also SystemExit
            if self._cause is None:  # otherwise it hung, was abandoned by close, and raises because of that
                self._cause = " ".join(f"{type(error).__name__}: {error}".split())
                self._abandon()

    def _abandon(self) -> None:
        if self._logger is not None:
            with contextlib.suppress(Exception):
                self._logger.abandon()

    def _stored(self) -> str:
        try:
            stored = self._logger.stored_epochs() if self._logger is not None else 0
        except Exception as error:
            return f"its log cannot be read ({error})"
        return f"its log has {stored} of {self._shown} epochs"


class _Ended(Exception):
    """Raised inside the thread to end it."""

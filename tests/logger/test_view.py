"""A logger that raises, hangs or is slow neither stops nor slows down the run."""

import threading
import time

import pytest

from snnx.logger.view import View

ROWS = [{"epoch": 1, "val/acc": 0.5}]


class Kept:
    """A logger that keeps what it gets; `failing` is called on every `show`, and can raise or hang."""

    def __init__(self, failing=lambda: None):
        self.failing, self.seen, self.closed, self.gone = failing, [], None, False

    def show(self, rows):
        self.failing()
        self.seen.append(rows)

    def close(self, exit_code, metrics):
        self.closed = exit_code, metrics

    def abandon(self):
        self.gone = True

    def stored_epochs(self):
        return len(self.seen)


def test_all_rows_arrive_in_order_before_close():
    logger = Kept()
    view = View("kept", lambda: logger)
    for count in (1, 2, 3):
        view.show(ROWS * count)
    assert view.close(0, {"test/acc": 0.5}) is None
    assert [len(rows) for rows in logger.seen] == [1, 2, 3]
    assert (logger.closed, logger.gone) == ((0, {"test/acc": 0.5}), False)


def test_rows_that_change_after_show_do_not_change_the_log():
    logger, rows = Kept(), list(ROWS)
    view = View("kept", lambda: logger)
    view.show(rows)
    rows.clear()
    view.close(0, {})
    assert logger.seen == [ROWS]


def raises():
    raise ConnectionResetError("Connection\nlost")


def test_after_the_first_failure_the_logger_is_abandoned_and_close_returns_a_warning():
    logger = Kept(raises)
    view = View("kept", lambda: logger)
    for _ in range(3):
        view.show(ROWS * 2)
    warning = view.close(0, {})
    cause = "ConnectionResetError: Connection lost"
    assert warning == f"kept was switched off for this run ({cause}): its log has 0 of 2 epochs; metrics.csv has all"
    assert (logger.closed, logger.gone) == (None, True)


@pytest.mark.parametrize("error", [OSError("no"), SystemExit(3), KeyboardInterrupt()])
def test_a_logger_that_cannot_be_created_gives_a_warning(error):
    def opened():
        raise error

    view = View("kept", opened)
    view.show(ROWS)
    assert type(error).__name__ in view.close(0, {})


def test_only_close_waits_for_a_logger_that_hangs_and_not_for_long():
    stuck = threading.Event()
    view = View("kept", lambda: Kept(stuck.wait), patience_s=0.2)
    began = time.monotonic()
    view.show(ROWS)
    assert time.monotonic() - began < 0.2
    assert "no answer within 0.2 s" in view.close(0, {})
    assert time.monotonic() - began < 5
    stuck.set()

"""Stops a training without losing any work."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytorch_lightning as pl


class Stop(pl.Callback):
    """Ends the training at the end of the epoch in which a stop was requested, after the checkpoint has been written.

    Attributes:
        asked: whether a stop was requested.
    """

    def __init__(self) -> None:
        self.asked = False
        self._taken: list[int] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for number in self._taken:  # Lightning has replaced our handler by its own, which stops in the middle of an epoch
            signal.signal(number, self._ask)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.asked = trainer.strategy.reduce_boolean_decision(self.asked, all=False)  # if any process was asked
        trainer.should_stop = self.asked

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Treat Ctrl-C, SIGTERM and a closed terminal (SIGHUP) as a request to stop; a second Ctrl-C ends the run at once.

        A signal that other code already handles or ignores is left alone. For example, submitit installs its own handlers,
        and the runs of a sweep ignore Ctrl-C from the terminal because their launcher sends them SIGTERM.
        """
        free = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
        self._taken = [number for number, handler in free.items() if signal.getsignal(number) is handler]
        for number in self._taken:
            signal.signal(number, self._ask)
        try:
            yield
        finally:
            for number in self._taken:
                signal.signal(number, free[number])
            self._taken = []

    def _ask(self, number: int, frame: object) -> None:
        if self.asked:
            if number == signal.SIGINT:  # SIGTERM may arrive twice, from the launcher and from the system, and means the same
                raise KeyboardInterrupt
            return
        self.asked = True
        with suppress(OSError):  # of a closed terminal
            print("\nsnnx: stopping after this epoch; press Ctrl-C again to stop now", file=sys.stderr, flush=True)

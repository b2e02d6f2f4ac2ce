"""Stopping a training without losing any of it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytorch_lightning as pl


class Stop(pl.Callback):
    """Ends the training after the epoch in which it was asked to, when its checkpoint has been written.

    Attributes:
        asked: whether it was.
    """

    def __init__(self) -> None:
        self.asked = False
        self._taken: list[int] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for number in self._taken:  # Lightning has put its own handler before ours, which ends the epoch in its middle
            signal.signal(number, self._ask)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = trainer.strategy.reduce_boolean_decision(self.asked, all=False)  # of all processes, if any was

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take Ctrl-C and a polite SIGTERM as the question; Ctrl-C again ends at once.

        A signal that somebody else handles or ignores is left to them: engines such as submitit have their own, and the runs of
        a sweep ignore the terminal's Ctrl-C, since their launcher asks them.
        """
        free = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
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
            if number == signal.SIGINT:  # a polite signal may come twice, from a launcher and from the system
                raise KeyboardInterrupt
            return
        self.asked = True
        print("\nsnnx: stopping after this epoch; Ctrl-C again stops now", file=sys.stderr, flush=True)

"""Random numbers that depend on the epoch and on nothing before it."""

import hashlib

import pytorch_lightning as pl


class Reseed(pl.Callback):
    """Seeds torch, NumPy and Python at the start of each training epoch from (seed, epoch).

    A run that is continued at epoch k then draws what the undisturbed run draws.

    Args:
        seed: of the run; 0 is a seed like any other.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        drawn = epoch_seed(self.seed, trainer.current_epoch)
        pl.seed_everything((drawn + trainer.global_rank) % 2**32, workers=True, verbose=False)  # each process its own noise


def epoch_seed(seed: int, epoch: int) -> int:
    """A 32-bit seed for one epoch; different pairs give unrelated streams.

    Example:
        >>> epoch_seed(0, 1) != epoch_seed(1, 0)
        True
    """
    return int.from_bytes(hashlib.sha256(f"{seed},{epoch}".encode()).digest()[:4], "little")

"""Random numbers that depend on seed and epoch only, not on earlier epochs."""

import hashlib

import pytorch_lightning as pl


class Reseed(pl.Callback):
    """Seeds torch, NumPy and Python at the start of each training epoch from (seed, epoch).

    So a run that is resumed at epoch k draws the same numbers as a run that was never interrupted.

    Args:
        seed: seed of the run; 0 has no special meaning.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        drawn = epoch_seed(self.seed, trainer.current_epoch)
        pl.seed_everything((drawn + trainer.global_rank) % 2**32, workers=True, verbose=False)  # other noise in each process


def epoch_seed(seed: int, epoch: int) -> int:
    """Return a 32-bit seed for one epoch; different pairs of seed and epoch give unrelated random numbers.

    Example:
        >>> epoch_seed(0, 1) != epoch_seed(1, 0)
        True
    """
    return int.from_bytes(hashlib.sha256(f"{seed},{epoch}".encode()).digest()[:4], "little")

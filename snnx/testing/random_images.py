"""A few random images as a data set, on which the contracts of methods and metrics train and test for a moment."""

import warnings

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

from snnx.method.base import Method

SHAPE, CLASSES, SAMPLES = (1, 8, 8), 3, 8


class RandomImages(pl.LightningDataModule):
    """Eight images `[1, 8, 8]` with values in [0, 1] and labels of three classes, for training, validation and test.

    Args:
        batch: number of samples in a batch of the test; batches of the training have four.
        dtype: dtype of the images.

    Example:
        >>> images, labels = next(iter(RandomImages().test_dataloader()))
        >>> images.shape, labels.tolist()
        (torch.Size([4, 1, 8, 8]), [0, 1, 2, 0])
    """

    def __init__(self, *, batch: int = 4, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        images = torch.rand(SAMPLES, *SHAPE, generator=torch.Generator().manual_seed(0)).to(dtype)
        self.batch = batch
        self.samples = TensorDataset(images, torch.arange(SAMPLES) % CLASSES)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.samples, batch_size=4)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.samples, batch_size=4)

    def test_dataloader(self) -> DataLoader:
        return DataLoader(self.samples, batch_size=self.batch)


def train(method: Method, data: RandomImages, *callbacks: pl.Callback, epochs: int | None = None) -> pl.Trainer:
    """Train for epochs of two batches, by default as few as the method allows, and return the trainer."""
    epochs = method.least_epochs if epochs is None else epochs
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", callbacks=list(callbacks), logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, log_every_n_steps=1,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and on torch's versions
        trainer.fit(method, datamodule=data)
    return trainer


def evaluate(trainer: pl.Trainer, method: pl.LightningModule, data: RandomImages) -> dict[str, float]:
    """Test with a trainer of `train`, and return what the method logs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (found,) = trainer.test(method, datamodule=data, verbose=False)
    return found

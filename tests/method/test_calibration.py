"""Calibration sees the training images as they are, in a training too."""

import pytest
import pytorch_lightning as pl
import torch
from composing import composed

from snnx.method.calibration import calibration_images
from snnx.run.build import build_data, build_method


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_images_are_not_augmented_and_the_first_of_the_epoch():
    config = composed("augmentation=shift", "trainer.max_epochs=1", "budget.samples=0.2", "dataset.batch_size=32").config
    data = build_data(config)
    data.setup()
    method, seen = build_method(config, data), {}

    def look(trainer: pl.Trainer, module: pl.LightningModule) -> None:
        seen["calibration"] = torch.cat(list(calibration_images(data, module.device, 50)))
        batches = (data.on_after_batch_transfer(batch, 0)[0] for batch in data.train_dataloader())
        seen["augmented"] = torch.cat(list(batches))[:50]
        with data.without_augmentation():
            batches = (data.on_after_batch_transfer(batch, 0)[0] for batch in data.train_dataloader())
            seen["plain"] = torch.cat(list(batches))[:50]

    trainer = pl.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        accelerator="cpu", callbacks=[pl.callbacks.LambdaCallback(on_train_epoch_start=look)],
    )  # fmt: skip
    trainer.fit(method, datamodule=data)
    assert len(seen["calibration"]) == 50
    assert torch.equal(seen["calibration"], seen["plain"])
    assert not torch.equal(seen["augmented"], seen["plain"])

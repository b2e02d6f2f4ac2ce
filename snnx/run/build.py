"""From a resolved configuration to the objects of a run, in the order in which data flows."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytorch_lightning as pl
from hydra.utils import instantiate
from lightning_fabric.plugins.environments import LightningEnvironment

from snnx.method.base import Method
from snnx.record.checkpoint import Checkpoints
from snnx.record.identity import loaded_from
from snnx.run.component import component


def build_data(config: dict) -> pl.LightningDataModule:
    """The data module, at the scale's share of samples; it reads nothing yet."""
    dataset = {**config["dataset"], "samples": config["budget"]["samples"]}
    return component({**config, "dataset": dataset}, "dataset")


def build_method(config: dict, data: pl.LightningDataModule) -> Method:
    """The pipeline from encoding to loss, fitted to data set and scale; `init` draws the weights that no file gave."""
    method = component(config, "method")(in_shape=data.shape, classes=data.classes, width=config["budget"]["width"])
    if config["init"] is not None and not loaded_from(config):
        instantiate(config["init"], _convert_="all")(method.backbone)
    return method


def build_trainer(
    config: dict, run: str, folder: Path, *, callbacks: list, made_with: Mapping[str, str] = MappingProxyType({})
) -> pl.Trainer:
    """Lightning's trainer, at the scale's share of epochs, silent but for what the callbacks say.

    `made_with` is what every checkpoint says of the code and the samples that it comes from.
    """
    _quiet()
    epochs = config["trainer"]["max_epochs"]
    trainer = instantiate(config["trainer"], _convert_="all")
    return trainer(
        max_epochs=epochs and max(1, round(epochs * config["budget"]["epochs"])),
        callbacks=callbacks,
        logger=False,  # the loggers are views of the record: snnx/logger/view.py
        # not Slurm's environment, where there is one: snnx/run/ddp.py starts the processes, and whoever started snnx requeues
        plugins=[Checkpoints(run, made_with), LightningEnvironment()],
        default_root_dir=str(folder),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,  # nothing is logged by step; a larger value only makes Lightning warn about short epochs
    )


def _quiet() -> None:
    """Silence Lightning's greetings and tips, and what it calls in torch that torch has renamed; all else stays."""
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    warnings.filterwarnings("ignore", message=r"The `srun` command is available")  # a login node is no mistake
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)

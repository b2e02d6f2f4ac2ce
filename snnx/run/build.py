"""Builds the objects of a run from a resolved configuration, in the order in which data flows."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments import LightningEnvironment

from snnx.backbone.compiled import compile_training
from snnx.backbone.recompute import recompute_blocks
from snnx.backbone.recompute_steps import recompute_segments
from snnx.dataset.labelled import Labelled
from snnx.method.base import Method
from snnx.neuron.packed_spikes import pack_spikes
from snnx.record.checkpoint import Checkpoints
from snnx.record.identity import loaded_from
from snnx.run.component import component
from snnx.run.create import create
from snnx.run.matmul import set_matmul
from snnx.run.target import target


def build_data(config: dict) -> pl.LightningDataModule:
    """Build the data module, with the share of the samples that the scale asks for; it reads no data yet."""
    budget = config["budget"]
    dataset = {**config["dataset"], "samples": budget["samples"]}
    data = component({**config, "dataset": dataset}, "dataset")
    if (share := budget.get("test_samples", 1.0)) != 1.0:
        if not isinstance(data, Labelled):
            raise ValueError(f"budget.test_samples needs a data set that is a Labelled; {type(data).__name__} is none: use 1")
        if share > 1:
            raise ValueError(f"budget.test_samples must lie in (0, 1]; got {share}")
        data.test_share = share
    return data


def build_method(config: dict, data: pl.LightningDataModule) -> Method:
    """Build the pipeline from encoding to loss for this data set and scale.

    If the weights are not loaded from a file, `init` initialises them.
    """
    method = component(config, "method")(in_shape=data.shape, classes=data.classes, width=config["budget"]["width"])
    if config["init"] is not None and not loaded_from(config):
        create("init", config["init"])(method.backbone)
    if config.get("packed_spikes"):
        pack_spikes(method.backbone)
    if config.get("recompute"):
        recompute_blocks(method.backbone)
    if (steps := config.get("recompute_steps")) is not None:
        if saving := next((key for key in ("recompute", "packed_spikes") if config.get(key)), None):
            raise ValueError(f"{saving} must be false with recompute_steps={steps}: choose one of the two")
        recompute_segments(method.backbone, steps)
    if config.get("channels_last"):  # convolutions then give their outputs this layout, and neurons keep it
        method.to(memory_format=torch.channels_last)
    if mode := config.get("compile"):
        if saving := [key for key in ("packed_spikes", "recompute", "recompute_steps") if config.get(key)]:
            given = f"{saving[0]}={str(config[saving[0]]).lower()}"
            raise ValueError(f"compile must be null with {given}, since torch then chooses what it keeps; got {mode}")
        compile_training(method.backbone, mode)
    return method


def epochs_of(config: dict) -> int:
    """Return the number of epochs of a run at its scale: 0 if it is not trained, else at least `least_epochs` of its method.

    A training of fewer epochs than these keeps them all.

    Example:
        >>> method = {"_target_": "snnx.method.direct.Direct"}
        >>> epochs_of({"trainer": {"max_epochs": 300}, "budget": {"epochs": 0.01667}, "method": method})
        5
    """
    epochs = config["trainer"]["max_epochs"]
    least = min(epochs, target("method", config["method"]["_target_"]).least_epochs)
    return epochs and max(least, round(epochs * config["budget"]["epochs"]))


def build_trainer(
    config: dict, run: str, folder: Path, *, callbacks: list, made_with: Mapping[str, str] = MappingProxyType({})
) -> pl.Trainer:
    """Build Lightning's trainer, with the share of the epochs that the scale asks for; only the callbacks print anything.

    `made_with` holds the digests of code and samples that are stored in every checkpoint.
    """
    _quiet()
    set_matmul(config.get("matmul", "highest"))
    trainer, device = create("trainer", config["trainer"]), config["trainer"].get("accelerator")
    if device in ("cuda", "gpu") and not _has_gpu(device):
        raise ValueError(f"trainer.accelerator must be cpu or auto on a machine on which torch finds no GPU; got {device}")
    return trainer(
        max_epochs=epochs_of(config),
        callbacks=callbacks,
        enable_checkpointing=any(isinstance(one, pl.callbacks.Checkpoint) for one in callbacks),  # else Lightning adds its own
        logger=False,  # our loggers read the run's record instead: snnx/logger/view.py
        # Under Slurm, Lightning would pick Slurm's environment. But snnx/run/ddp.py starts the processes, and the launcher
        # that started snnx puts the job back into the queue.
        plugins=[Checkpoints(run, made_with), LightningEnvironment()],
        default_root_dir=str(folder),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,  # nothing is logged per step, but with a larger value Lightning warns about short epochs
    )


def _has_gpu(accelerator: str) -> bool:
    """Whether torch finds a GPU that Lightning can take; for Lightning, `gpu` is one of CUDA or one of Apple."""
    return torch.cuda.is_available() or (accelerator == "gpu" and torch.backends.mps.is_available())


def _quiet() -> None:
    """Silence Lightning's start-up messages and tips, and its use of a function that torch has deprecated.

    All other warnings are still shown.
    """
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    warnings.filterwarnings("ignore", message=r"The `srun` command is available")  # snnx does not need srun
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)

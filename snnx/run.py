"""One run, from its configuration to its result, in the order in which data flows."""

import csv
import io
import logging
import resource
import time
import traceback
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import ModelCheckpoint

from snnx import ledger, provenance
from snnx.callback.curves import Curves
from snnx.callback.progress import Progress
from snnx.callback.reseed import Reseed
from snnx.job import Job
from snnx.method.base import Diverged, Method
from snnx.metric.recorder import Recorder
from snnx.neuron.node import Node
from snnx.write import write


def execute(job: Job) -> dict:
    """Do one run under its lock and write what it ended with; a run that is done already is not done again.

    Returns:
        The content of `result.json`; `status` is one of done, failed, diverged, no data.

    Raises:
        Busy: another process is at it.
        KeyboardInterrupt: as given, with nothing written.
    """
    with ledger.claim(job.folder):
        ledger.link(job.link, job.folder)
        if (found := finished(job)) is not None:
            return found
        (job.folder / "result.json").unlink(missing_ok=True)
        write(job.folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(job.config)))
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
        try:
            found = {"status": "done", **compute(job), "error": None}
        except Exception as error:
            status = {Diverged: "diverged", FileNotFoundError: "no data"}.get(type(error), "failed")
            trace = "".join(traceback.format_exception(error))
            found = {"status": status, "error": {"type": type(error).__name__, "message": str(error), "traceback": trace}}
        outcome = {**_identity(job), **found, "started": started, "wall_s": round(time.monotonic() - clock, 2)}
        (job.folder / "progress.json").unlink(missing_ok=True)
        write(job.folder / "result.json", ledger.to_json(outcome))
        return outcome


def finished(job: Job) -> dict | None:
    """The result of a run that need not be done: done in its folder, or in the record if that counts; never under `force`."""
    if job.config["force"]:
        return None
    found = ledger.result(job.folder)
    if found is None and job.config["recorded"]:
        found = ledger.recorded(job.sweep, job.row, job.id)
    return found if found is not None and found["status"] == "done" else None


def compute(job: Job) -> dict:
    """Build the stages, fit, and test at the last and at the best epoch."""
    config, folder = job.config, job.folder
    _quiet()
    pl.seed_everything(config["seed"], workers=True, verbose=False)

    data = build_data(config)
    data.setup()
    method = build_method(config, data)

    curves = Curves(folder / "metrics.csv")
    monitor = "val/acc" if data.split_counts["val"] else None  # without validation the last epoch is all there is
    best = ModelCheckpoint(
        folder / "ckpt", filename="best", monitor=monitor, mode="max", save_last=True, enable_version_counter=False
    )
    loggers = [instantiate(node)(job=job) for node in config["logger"].values()]
    trainer = build_trainer(
        config, folder, callbacks=[Reseed(config["seed"]), curves, best, Progress(folder / "progress.json")], loggers=loggers
    )
    try:
        trainer.fit(method, datamodule=data)
        history = curves.curves()  # now: testing a checkpoint takes the callbacks back to its epoch
        tested = test(trainer, method, data, Path(best.best_model_path))
        for logger in loggers:
            logger.log_metrics({"epoch": trainer.max_epochs, **tested["metrics"]})
    except BaseException:
        _close(loggers, 1)
        raise
    _close(loggers, 0)

    write(folder / "layers.csv", _as_csv(tested["layers"]))
    last = {key: values[-1] for key, values in history.items()}
    if accuracies := history.get("val/acc"):
        last |= {"val/acc_best": max(accuracies), "best_epoch": accuracies.index(max(accuracies)) + 1}
    device = trainer.strategy.root_device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else provenance.processor()
    return {
        **tested,
        "metrics": {**last, **tested["metrics"]},
        "curves": history,
        "data": {"name": _option(config["dataset"]), **data.split_counts, "split": data.split_hash},
        "parameters": sum(p.numel() for p in method.parameters()),
        "paths": _paths(method),
        "device": f"{device.type} ({name}), {torch.get_num_threads()} threads",
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def test(trainer: pl.Trainer, method: Method, data: pl.LightningDataModule, best: Path) -> dict:
    """Test the last epoch, with every metric watching, and the epoch that was best on validation (or the last, without one)."""
    with Recorder(method.backbone, list(method.metrics.values()), method.watch) as method.recorder:
        (last,) = trainer.test(method, datamodule=data, verbose=False)
    recorder, method.recorder = method.recorder, None
    (at_best,) = trainer.test(method, datamodule=data, ckpt_path=str(best), verbose=False, weights_only=True)
    layers: dict = {}
    for kind in ("test", "correct", "wrong"):
        for curve, table in recorder.curves(kind).items():
            rounded = {layer: [float(f"{v:.6g}") for v in values.tolist()] for layer, values in table.items()}
            layers.setdefault(curve, {})[kind] = rounded
    metrics = {**last, **recorder.scalars(), **{f"{key}_best": value for key, value in at_best.items()}}
    return {"metrics": metrics, "layers": layers, "samples": recorder.samples}


def build_data(config: dict) -> pl.LightningDataModule:
    """The data module, at the scale's share of samples."""
    return instantiate(config["dataset"], samples=config["budget"]["samples"], _convert_="all")


def build_method(config: dict, data: pl.LightningDataModule) -> Method:
    """The pipeline from encoding to loss, fitted to the data set's shape and classes and to the scale's width."""
    method = instantiate(config["method"], _convert_="all")
    return method(in_shape=data.shape, classes=data.classes, width=config["budget"]["width"])


def build_trainer(config: dict, folder: Path, *, callbacks: list, loggers: list) -> pl.Trainer:
    """Lightning's trainer, at the scale's share of epochs."""
    epochs = max(1, round(config["trainer"]["max_epochs"] * config["budget"]["epochs"]))
    trainer = instantiate(config["trainer"], _convert_="all")
    return trainer(
        max_epochs=epochs,
        callbacks=callbacks,
        logger=loggers or False,
        default_root_dir=str(folder),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,  # nothing is logged by step; a larger value only makes Lightning warn about short epochs
    )


def _identity(job: Job) -> dict:
    return {
        "hash": job.id,
        "group": job.group,
        "sweep": job.sweep,
        "row": job.row,
        "seed": job.seed,
        "scale": job.scale,
        "budget": job.config["budget"],
        "overrides": job.overrides,
        "command": job.command,
        "git": provenance.git(),
        "versions": provenance.versions(),
    }


def _as_csv(layers: dict) -> str:
    """`{curve: {kind: {layer: [T]}}}` as a table with one value a line."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["metric", "sample", "layer", "step", "value"])
    for curve, kinds in layers.items():
        for kind, table in kinds.items():
            for layer, values in table.items():
                writer.writerows([curve, kind, layer, step, value] for step, value in enumerate(values))
    return text.getvalue()


def _option(node: dict) -> str:
    return node["_target_"].split(".")[-2]


def _paths(method: Method) -> dict[str, int]:
    """How many neuron layers ran on which implementation."""
    paths = [str(node.path) for node in method.modules() if isinstance(node, Node)]
    return {path: paths.count(path) for path in sorted(set(paths))}


def _close(loggers: list, exit_code: int) -> None:
    for logger in loggers:
        logger.close(exit_code)


def _quiet() -> None:
    """Silence Lightning's greetings and tips, and what it calls in torch that torch has renamed; all else stays."""
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)

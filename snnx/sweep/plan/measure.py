"""Measures what a run costs on this machine, by a few steps of training, validation and test."""

import statistics
import tempfile
import time
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from snnx.layer.mean_pool import MeanPool
from snnx.layer.sum_pool import SumPool
from snnx.method.base import Method
from snnx.metric.recorder import Recorder
from snnx.neuron.spiking import spiking_layers
from snnx.norm.norm import Norm
from snnx.record.checkpoint import load
from snnx.record.job import Job
from snnx.run.allocator import keep_memory
from snnx.run.build import build_data, build_method, build_trainer
from snnx.run.built import built, implementation
from snnx.run.cards import take
from snnx.run.on_one_device import on_one_device
from snnx.run.peak_memory import gpu_peak_memory_mb, peak_memory_mb
from snnx.run.shared_training import own_test_only
from snnx.run.steps_done import StepsDone
from snnx.sweep.plan.cost import Cost
from snnx.sweep.plan.synops import synops

ENOUGH_S = 1.5  # how many seconds of each kind of step are measured after the warm-up
WARM, FEWEST = 2, 3  # number of warm-up steps, which are not timed, and smallest number of timed steps
LONG_S = 10.0  # after this many seconds the measurement ends in any case


class Clock(pl.Callback):
    """Times training or evaluation steps, and ends the loop after enough of them."""

    def __init__(self) -> None:
        self.stamps: list[float] = []

    def tick(self) -> None:
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()  # a GPU computes a step after the call that starts it has returned
        self.stamps.append(time.perf_counter())
        if len(self.stamps) > WARM + FEWEST and self.stamps[-1] - self.stamps[WARM] > ENOUGH_S:
            raise StepsDone
        if len(self.stamps) > 1 and self.stamps[-1] - self.stamps[0] > LONG_S:
            raise StepsDone

    def on_train_batch_end(self, *_: object) -> None:
        self.tick()

    def on_validation_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.validating:  # validation batches inside a training are not timed
            self.tick()

    def on_test_batch_end(self, *_: object) -> None:
        self.tick()

    @property
    def step_s(self) -> float:
        """Median seconds of a step, without the warm-up steps if there are enough others; so one pause does not count."""
        counted = self.stamps[WARM:] if len(self.stamps) > WARM + 1 else self.stamps
        return statistics.median(later - earlier for earlier, later in pairwise(counted)) if len(counted) > 1 else 0.0


def measure(job: Job, threads: int) -> Cost:
    """Build the run with its data, take a few steps of training, validation and test, and write one checkpoint.

    Args:
        job: the run.
        threads: number of torch's threads.

    Raises:
        NoData: its data set is not on this machine.
    """
    torch.set_num_threads(threads)
    keep_memory()
    on_one = on_one_device(job.config)
    take(on_one["trainer"])
    full = {**job.config, "method": {key: value for key, value in job.config["method"].items() if key != "early"}}  # all steps
    began = time.perf_counter()
    pl.seed_everything(job.config["seed"], workers=True, verbose=False)
    data = build_data(job.config)
    data.setup()
    method = build_method(full, data)
    as_built = built(method.backbone)
    sizes = tuple(len(loader()) for loader in (data.train_dataloader, data.val_dataloader, data.test_dataloader))
    Path(job.outputs).mkdir(exist_ok=True)  # time the checkpoint on the disk that the runs will write to
    with tempfile.TemporaryDirectory(dir=job.outputs, prefix=".plan-") as folder:
        clocks = {kind: Clock() for kind in ("fit", "validate", "test")}
        watching = [metric for metric in method.metrics.values() if isinstance(metric, pl.Callback)]
        trainer = build_trainer(on_one, job.id, Path(folder), callbacks=[clocks["fit"], *watching])
        epochs = trainer.max_epochs
        if epochs:
            _run_steps(trainer.fit, method, data)
        stamps = clocks["fit"].stamps or [time.perf_counter()]
        start_s = stamps[min(WARM, len(stamps) - 1)] - began
        save_s = _save(trainer, method, Path(folder) / "epoch=1.ckpt")
        if sizes[1]:
            trainer = build_trainer(on_one, job.id, Path(folder), callbacks=[clocks["validate"]])
            _run_steps(partial(trainer.validate, verbose=False), method, data)
        trainer = build_trainer(on_one, job.id, Path(folder), callbacks=[clocks["test"], *watching])
        with Recorder(method.backbone, list(method.metrics.values()), method.watch, method.encoding) as method.recorder:
            _run_steps(partial(trainer.test, verbose=False), method, data)
        method.recorder = None
    as_built["implementation"] = implementation(method.backbone)  # known only after a forward pass
    images = first_images(data, trainer.strategy.root_device)
    flops, operations = _operations(method, images[:8].to(method.device))  # Lightning has moved the network to the CPU
    return Cost(
        parameters=sum(p.numel() for p in method.parameters()),
        flops=flops,
        synops=operations,
        peak_mb=peak_memory_mb(),
        gpu_peak_mb=gpu_peak_memory_mb(),
        start_s=start_s,
        step_s=clocks["fit"].step_s,
        val_s=clocks["validate"].step_s or clocks["test"].step_s,
        test_s=clocks["test"].step_s,
        save_s=save_s,
        steps=sizes,
        epochs=epochs,
        built=as_built,
        test_only=own_test_only(method),
    )


def first_images(data: pl.LightningDataModule, device: torch.device) -> Tensor:
    """Return the first test batch as a network gets it on the `device` of the trainer, where a data set's mean is as well."""
    batch = data.transfer_batch_to_device(next(iter(data.test_dataloader())), device, 0)
    return data.on_after_batch_transfer(batch, 0)[0]


def _run_steps(loop, method: Method, data: pl.LightningDataModule) -> None:
    with suppress(StepsDone):
        loop(method, datamodule=data)


def _save(trainer: pl.Trainer, method: Method, path: Path) -> float:
    """Return the seconds that a checkpoint takes to be written and read back, as a run does it."""
    state = {"state_dict": method.state_dict(), "optimizer_states": [o.state_dict() for o in trainer.optimizers]}
    began = time.perf_counter()
    trainer.strategy.checkpoint_io.save_checkpoint(state, path)
    load(path, None)
    return time.perf_counter() - began


def _operations(method: Method, images: Tensor) -> tuple[float, float]:
    """Count the floating-point and the synaptic operations of one sample's forward pass, without those of poolings.

    Norms use the statistics of these images. Their running statistics come from a few training steps only, and with those a
    layer might not spike at all.
    """
    method.eval()
    for module in method.backbone.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm | Norm):
            module.train()
    method.encoding.begin_evaluation()
    fired, seen, pooling = [], [], []

    def see(layer: nn.Module, inputs: tuple[Tensor]) -> None:
        if fired:  # layers before the first neuron see no spikes
            seen.append((layer, inputs[0]))

    hooks = [m.register_forward_pre_hook(see) for m in method.backbone.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks += [m.register_forward_hook(lambda *_: fired.append(1)) for m in spiking_layers(method.backbone).values()]
    for pool in (m for m in method.backbone.modules() if isinstance(m, MeanPool | SumPool)):  # they are a product on a CPU
        hooks.append(pool.register_forward_pre_hook(lambda *_: pooling.append(-counter.get_total_flops())))
        hooks.append(pool.register_forward_hook(lambda *_: pooling.append(counter.get_total_flops())))
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            method(images)
    finally:
        for hook in hooks:
            hook.remove()
    return (counter.get_total_flops() - sum(pooling)) / len(images), sum(synops(layer, x) for layer, x in seen) / len(images)

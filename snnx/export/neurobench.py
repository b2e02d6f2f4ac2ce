"""NeuroBench's harness on a run of snnx, with an error where the harness would record a zero.

from snnx.export.neurobench import benchmark
print(benchmark("outputs/single/seed=0"))
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.abstract import StaticMetric, WorkloadMetric
from neurobench.metrics.static import ConnectionSparsity, Footprint, ParameterCount
from neurobench.metrics.workload import ActivationSparsity, ClassificationAccuracy, SynapticOperations
from neurobench.models import NeuroBenchModel
from pytorch_lightning.plugins import Precision
from torch import Tensor, nn
from torch.utils.data import DataLoader

from snnx.attention.self_attention import SelfAttention
from snnx.method.base import Method
from snnx.method.conversion import Conversion
from snnx.neuron.node import Node
from snnx.run.build import build_data, build_trainer
from snnx.run.reopen import reopen
from snnx.spike_time.dynamic_threshold import DynamicThreshold

STATIC = (ParameterCount, Footprint, ConnectionSparsity)
WORKLOAD = (ClassificationAccuracy, ActivationSparsity)  # SynapticOperations of spikes that are pooled would be an error
SNNTORCH_ONLY = ("MembraneUpdates", "NeuronOperations")
OF_SPIKES = (ActivationSparsity, SynapticOperations)
SPIKE_TIMES = "its layers exchange spike times, which it takes for values; metric=[spikes_per_neuron,energy] counts the spikes"
UNKNOWN_SPIKES = "the neurons of snnx are not snnTorch's, of which alone it knows the state: it would record 0.0"


class Model(NeuroBenchModel):
    """A method as NeuroBench calls a model: images in, class by class of each sample out, from rest.

    Args:
        method: what NeuroBench watches are the neurons and layers of the network that it tests.
        precision: in which it computes.
    """

    def __init__(self, method: Method, precision: Precision) -> None:
        super().__init__()
        self.method = precision.convert_module(method.eval())
        self.precision = precision
        self.add_activation_module(Node)

    def __call__(self, batch: Tensor) -> Tensor:
        with torch.no_grad(), self.precision.forward_context():
            return self.method(self.precision.convert_input(batch)).argmax(1)

    def __net__(self) -> nn.Module:
        return self.method.tested


def benchmark(
    path: str | Path,
    static: Sequence[type[StaticMetric]] = STATIC,
    workload: Sequence[type[WorkloadMetric]] = WORKLOAD,
) -> dict:
    """Run NeuroBench's harness on the test set of a finished run, in the precision of the run.

    Args:
        path: see `snnx.run.reopen.reopen`.
        static, workload: metric classes of NeuroBench.

    Returns:
        What NeuroBench returns; `SynapticOperations` is of one sample, all steps together.

    Raises:
        ValueError: what `run` and `reopen` refuse.
        FileNotFoundError: there is no such run, or its data set is not here.
    """
    opened = reopen(path)  # which has the weights, and of a conversion the network with ReLU
    data = build_data(opened.config)
    data.setup()
    method = opened.build({**opened.config, "metric": {}}, data)
    if isinstance(method, Conversion):
        method.convert(lambda: method.calibration_images(data))
    samples = [data.on_after_batch_transfer(batch, 0) for batch in data.test_dataloader()]
    images, labels = (torch.cat(parts) for parts in zip(*samples, strict=True))
    loader = DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=len(samples[0][1]))
    alone = {**opened.config["trainer"], "devices": 1, "strategy": "auto", "accelerator": "cpu"}
    trainer = build_trainer({**opened.config, "trainer": alone}, opened.id, opened.folder, callbacks=[])
    return run(method, loader, static, workload, trainer.precision_plugin)


def run(
    method: Method,
    loader: DataLoader,
    static: Sequence[type[StaticMetric]] = STATIC,
    workload: Sequence[type[WorkloadMetric]] = WORKLOAD,
    precision: Precision | None = None,
) -> dict:
    """The same of a method and batches of images and labels.

    Raises:
        ValueError: a metric cannot see this network, or raised, in which case the harness alone would record 0.0 or nothing;
            synaptic operations are asked of spikes that are not 1 or -1; or the harness raised.
    """
    for metric in workload:
        if reason := _unseen(metric, method.tested):
            raise ValueError(
                f"NeuroBench: {metric.__name__} must see what it counts; got {type(method.backbone).__name__}: {reason}"
            )
    failed: list[str] = []
    watched = [[_loud(metric, failed) for metric in group] for group in (static, workload)]
    method.encoding.begin_evaluation()
    with _values(method.tested if SynapticOperations in workload else nn.Identity()) as values:
        try:
            found = Benchmark(Model(method, precision or Precision()), loader, [], [], watched).run(quiet=True)
        except Exception as error:
            raise ValueError(
                f"NeuroBench: the harness must come to its end; got {type(error).__name__}: {' '.join(str(error).split())}"
            ) from error
    if values:
        raise ValueError(
            f"NeuroBench: SynapticOperations must see spikes of 1 or -1; got others in {values[0]}, as pooled or scaled "
            "spikes are, which it takes for multiplications; metric=[energy] counts them: leave SynapticOperations out of "
            "workload"
        )
    if failed:
        raise ValueError(f"NeuroBench: {failed[0]}; the harness alone would have recorded 0.0")
    return found


def _unseen(metric: type[WorkloadMetric], network: nn.Module) -> str | None:
    if metric.__name__ in SNNTORCH_ONLY:
        return UNKNOWN_SPIKES
    if metric in OF_SPIKES and any(isinstance(module, DynamicThreshold) for module in network.modules()):
        return SPIKE_TIMES
    attention = next((n for n, m in network.named_modules() if type(m).__name__.endswith("Attention")), None)
    if metric is SynapticOperations and attention is not None:
        own = "; metric=[energy] counts them" if isinstance(network.get_submodule(attention), SelfAttention) else ""
        return f"it counts layers only and would leave out the products of {attention}{own}"
    return None


@contextmanager
def _values(network: nn.Module) -> Iterator[list[str]]:
    """Names of layers that read something else than 0, 1 and -1, found while this is on; the first may, it reads the input, and
    all may in a network without spikes."""
    first: list[nn.Module] = []
    found: list[str] = []

    def look(name: str, layer: nn.Module, x: Tensor) -> None:
        if not first:
            first.append(layer)
        if layer is not first[0] and not bool(((x == 0) | (x.abs() == 1)).all()):
            found.append(name)

    spikes = any(isinstance(module, Node) for module in network.modules())
    layers = {name: m for name, m in network.named_modules() if spikes and isinstance(m, nn.Conv2d | nn.Linear)}
    hooks = [m.register_forward_pre_hook(lambda m, x, name=name: look(name, m, x[0])) for name, m in layers.items()]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _loud(metric: type, failed: list[str]) -> type:
    """The metric, which notes what it raises before the harness swallows it."""

    def call(self, *given):
        try:
            return metric.__call__(self, *given)
        except Exception as error:
            failed.append(f"{metric.__name__} raised {type(error).__name__}: {' '.join(str(error).split())}")
            raise

    return type(metric.__name__, (metric,), {"__call__": call})

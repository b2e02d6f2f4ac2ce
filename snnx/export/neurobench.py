"""Runs NeuroBench's harness on a run of snnx, and raises an error where the harness would silently record a zero.

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
from snnx.neuron.node import Node
from snnx.run.build import build_data, build_trainer
from snnx.run.on_one_device import on_one_device
from snnx.run.reopen import reopen
from snnx.spike_time.dynamic_threshold import DynamicThreshold

STATIC = (ParameterCount, Footprint, ConnectionSparsity)
WORKLOAD = (ClassificationAccuracy, ActivationSparsity)  # without SynapticOperations, which raises if spikes are pooled
SNNTORCH_ONLY = ("MembraneUpdates", "NeuronOperations")  # names of metrics that work with snnTorch's neurons only
OF_SPIKES = (ActivationSparsity, SynapticOperations)  # metrics that read spikes
SPIKE_TIMES = (
    "its layers exchange spike times, which the metric would take for activations; "
    "use metric=[spikes_per_neuron,energy], which counts the spikes"
)
UNKNOWN_SPIKES = "the metric can read the state of snnTorch's neurons only, and would record 0.0 for those of snnx"


class Model(NeuroBenchModel):
    """A method in the form that NeuroBench needs: called with images, it returns the predicted class of each sample.

    Args:
        method: NeuroBench watches the neurons and layers of the network that this method tests.
        precision: the numeric precision of the computation.
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
        path: a run's folder or a checkpoint in it, see `snnx.run.reopen.reopen`.
        static, workload: metric classes of NeuroBench.

    Returns:
        The result of NeuroBench; its `SynapticOperations` are per sample, summed over all time steps.

    Raises:
        ValueError: the run cannot be opened, see `reopen`, or a metric does not work for it, see `run`.
        FileNotFoundError: there is no such run, or its data set is not on this machine.
    """
    opened = reopen(path)  # for a conversion, its weights are those of the network with ReLU
    data = build_data(opened.config)
    data.setup()
    method = opened.build({**opened.config, "metric": {}}, data)
    if method.converts:
        method.convert(lambda: method.calibration_images(data))
    samples = [data.on_after_batch_transfer(batch, 0) for batch in data.test_dataloader()]
    images, labels = (torch.cat(parts) for parts in zip(*samples, strict=True))
    loader = DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=len(samples[0][1]))
    on_one = on_one_device(opened.config)
    on_cpu = {**on_one, "trainer": {**on_one["trainer"], "accelerator": "cpu"}}
    trainer = build_trainer(on_cpu, opened.id, opened.folder, callbacks=[])
    return run(method, loader, static, workload, trainer.precision_plugin)


def run(
    method: Method,
    loader: DataLoader,
    static: Sequence[type[StaticMetric]] = STATIC,
    workload: Sequence[type[WorkloadMetric]] = WORKLOAD,
    precision: Precision | None = None,
) -> dict:
    """Run NeuroBench's harness on a method.

    Args:
        method: with its weights.
        loader: batches of images and labels.
        static, workload: metric classes of NeuroBench.
        precision: the numeric precision of the computation; `None` is float32.

    Raises:
        ValueError: a metric does not work for this network, a metric or the harness raised an exception, or synaptic operations
            are counted for spikes other than 1 and -1. In these cases the harness itself would record 0.0, nothing, or
            multiplications that do not take place.
    """
    for metric in workload:
        if reason := _unsupported(metric, method.tested):
            raise ValueError(
                f"NeuroBench: {metric.__name__} must be able to count what it measures; got {type(method.backbone).__name__}: "
                f"{reason}"
            )
    failed: list[str] = []
    watched = [[_noting_failures(metric, failed) for metric in group] for group in (static, workload)]
    method.encoding.begin_evaluation()
    with _non_binary_inputs(method.tested if SynapticOperations in workload else nn.Identity()) as layers:
        try:
            found = Benchmark(Model(method, precision or Precision()), loader, [], [], watched).run(quiet=True)
        except Exception as error:
            raise ValueError(
                f"NeuroBench: the harness must run without errors; got {type(error).__name__}: {' '.join(str(error).split())}"
            ) from error
    if layers:
        raise ValueError(
            f"NeuroBench: SynapticOperations must read spikes of 1 or -1; got other values in {layers[0]}, for example pooled "
            "or scaled spikes, which it would count as multiplications; leave SynapticOperations out of workload and use "
            "metric=[energy]"
        )
    if failed:
        raise ValueError(f"NeuroBench: {failed[0]}; the harness itself would have recorded 0.0")
    return found


def _unsupported(metric: type[WorkloadMetric], network: nn.Module) -> str | None:
    """The reason why a metric does not work for a network, if there is one."""
    if metric.__name__ in SNNTORCH_ONLY:
        return UNKNOWN_SPIKES
    if metric in OF_SPIKES and any(isinstance(module, DynamicThreshold) for module in network.modules()):
        return SPIKE_TIMES
    attention = next((n for n, m in network.named_modules() if type(m).__name__.endswith("Attention")), None)
    if metric is SynapticOperations and attention is not None:
        advice = (
            "; use metric=[energy], which counts them" if isinstance(network.get_submodule(attention), SelfAttention) else ""
        )
        return f"the metric counts layers only and would leave out the products of {attention}{advice}"
    return None


@contextmanager
def _non_binary_inputs(network: nn.Module) -> Iterator[list[str]]:
    """Collect the names of layers that read values other than 0, 1 and -1, as long as the `with` block runs.

    The first layer is exempt because it reads the input; so are all layers of a network without spiking neurons.
    """
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


def _noting_failures(metric: type, failed: list[str]) -> type:
    """A subclass of the metric that appends its exceptions to `failed`, because the harness swallows them."""

    def call(self, *arguments):
        try:
            return metric.__call__(self, *arguments)
        except Exception as error:
            failed.append(f"{metric.__name__} raised {type(error).__name__}: {' '.join(str(error).split())}")
            raise

    return type(metric.__name__, (metric,), {"__call__": call})

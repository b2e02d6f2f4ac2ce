"""NeuroBench's harness on a run of snnx: correct numbers, and errors where the harness would silently record a zero."""

import pytest
import torch
from composing import composed
from finished import finished
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from snnx.metric.energy import Energy
from snnx.metric.recorder import Recorder
from snnx.run.build import build_method

pytest.importorskip("neurobench", reason="the extra is not installed: pip install 'snnx[neurobench]'")
pytestmark = pytest.mark.filterwarnings("ignore")


class Facts:
    shape, classes = (1, 8, 8), 10


def built(*words: str):
    torch.manual_seed(0)
    return build_method(composed("metric=[]", *words).config, Facts()).eval()


def loader(images: torch.Tensor) -> DataLoader:
    return DataLoader(TensorDataset(images, torch.zeros(len(images), dtype=torch.long)), batch_size=4)


def test_benchmark_of_a_run_in_its_own_precision(tmp_path):
    from neurobench.metrics.workload import ActivationSparsity, ClassificationAccuracy

    from snnx.export.neurobench import benchmark

    words = ("neuron.v_threshold=0.2", "trainer.max_epochs=1", "budget.samples=0.05", "trainer.precision=bf16-mixed")
    folder, result = finished(tmp_path, *words)
    found = benchmark(folder, workload=[ClassificationAccuracy, ActivationSparsity])
    assert found["ClassificationAccuracy"] == pytest.approx(result["metrics"]["test/acc"], abs=1e-6)
    assert found["ParameterCount"] == result["parameters"]
    assert 1 - found["ActivationSparsity"] == pytest.approx(result["metrics"]["test/firing_rate"], abs=1e-5)
    assert found["ActivationSparsity"] < 1


def test_synaptic_operations_agree_on_binary_spikes():
    from neurobench.metrics.workload import SynapticOperations

    from snnx.export.neurobench import run

    method = built("backbone=mlp", "backbone.hidden=[12]", "neuron.v_threshold=0.1", "encoding=repeat")
    images = (torch.rand(4, 1, 8, 8) < 0.3).float()
    theirs = run(method, loader(images), [], [SynapticOperations])["SynapticOperations"]
    with torch.no_grad(), Recorder(method.backbone, [Energy()]) as method.recorder:
        method.recorder.labels = torch.zeros(4, dtype=torch.long)
        method(images)
        method.recorder.end_batch(torch.zeros(4, dtype=torch.bool))
        ours = method.recorder.scalars()
    assert theirs["Effective_MACs"] == ours["test/energy_macs"] == 0
    assert theirs["Effective_ACs"] == ours["test/energy_synops"] > 0


def test_metrics_that_would_record_zero_raise():
    from neurobench.metrics.abstract import WorkloadMetric
    from neurobench.metrics.workload import MembraneUpdates, NeuronOperations, SynapticOperations

    from snnx.export.neurobench import run

    method, images = built(), torch.rand(4, 1, 8, 8)
    for metric in (MembraneUpdates, NeuronOperations):
        with pytest.raises(ValueError, match=rf"{metric.__name__} must be able to count .*; got ConvNet: the metric can read"):
            run(method, loader(images), [], [metric])

    class Broken(WorkloadMetric):
        def __call__(self, model, preds, data):
            raise RuntimeError("no such layer")

    with pytest.raises(ValueError, match=r"NeuroBench: Broken raised RuntimeError: no such layer; the harness itself would"):
        run(method, loader(images), [], [Broken])
    attention = nn.Sequential()
    attention.add_module("attention", type("SomeAttention", (nn.Identity,), {})())
    method.backbone.extra = attention
    with pytest.raises(ValueError, match=r"SynapticOperations must be able .* leave out the products of extra.attention"):
        run(method, loader(images), [], [SynapticOperations])


def test_synaptic_operations_of_averaged_spikes_raise():
    from neurobench.metrics.workload import SynapticOperations

    from snnx.export.neurobench import run

    method = built("neuron.v_threshold=0.1", "init=kaiming", "encoding=repeat", "backbone.channels=[4,8]")
    with pytest.raises(
        ValueError, match=r"must read spikes of 1 or -1; got other values in stages.conv2.0, .* metric=\[energy\]"
    ):
        run(method, loader(torch.rand(4, 1, 8, 8)), [], [SynapticOperations])
    relu = built("neuron=relu", "timesteps=1", "encoding=repeat")
    assert run(relu, loader(torch.rand(4, 1, 8, 8)), [], [SynapticOperations])["SynapticOperations"]["Effective_MACs"] > 0


def test_an_error_of_the_harness_becomes_one_line():
    from neurobench.metrics.workload.activation_sparsity_by_layer import ActivationSparsityByLayer

    from snnx.export.neurobench import run

    message = r"the harness must run without errors; got AttributeError: .* has no attribute '_requires_hooks'"
    with pytest.raises(ValueError, match=message) as caught:
        run(built(), loader(torch.rand(4, 1, 8, 8)), [], [ActivationSparsityByLayer])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("words", [("method=conversion", "timesteps=32", "method.piece=8"), ("method=tandem", "timesteps=16")])
def test_benchmark_of_a_conversion_gives_the_metrics_of_its_run(tmp_path, words):
    from snnx.export.neurobench import benchmark

    folder, result = finished(tmp_path, "trainer.max_epochs=1", "budget.samples=0.1", *words)
    found = benchmark(folder)
    assert found["ClassificationAccuracy"] == pytest.approx(result["metrics"]["test/acc"], abs=1e-6)
    assert 1 - found["ActivationSparsity"] == pytest.approx(result["metrics"]["test/firing_rate"], abs=1e-5)


def test_networks_with_spike_times_have_an_accuracy_but_no_activation_sparsity(tmp_path):
    from neurobench.metrics.workload import ClassificationAccuracy

    from snnx.export.neurobench import benchmark

    words = ("method=ttfs", "backbone=scnn", "backbone.bias=false", "backbone.pool=max", "backbone.kernel=2")
    folder, result = finished(tmp_path, *words)
    found = benchmark(folder, workload=[ClassificationAccuracy])
    assert found["ClassificationAccuracy"] == pytest.approx(result["metrics"]["test/acc"], abs=1e-6)
    with pytest.raises(
        ValueError, match=r"ActivationSparsity must be able to count .*; got SCNN: its layers exchange spike times"
    ):
        benchmark(folder)

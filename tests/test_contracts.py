"""Every option in `conf/` fulfils the contracts of its group, those of `snnx.testing`."""

import warnings
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from composing import configuration, option
from pipelines import METHOD_REFUSES, METRIC_REFUSES, OWN, PIPELINES, built, metric_refusal, option_of
from pretended_gpu import CUDA

from snnx.metric.firing_rate import FiringRate
from snnx.options.files import files, groups
from snnx.run.component import component
from snnx.testing import (
    attention,
    augmentation,
    backbone,
    decoding,
    encoding,
    init,
    loss,
    method,
    metric,
    neuron,
    norm,
    quantization,
    scheduler,
    surrogate,
)
from snnx.testing.firing_input import STEPS
from snnx.testing.random_images import RandomImages

ELSEWHERE = {
    "dataset": "tests/dataset/test_contract.py",  # it writes small copies of all data sets
    "logger": "tests/logger/test_views.py",  # both loggers, in runs that end, fail and are killed
}
NO_PARTS = {"recipe", "scale"}


def walk(group, contracts):
    """Parametrise a test over all options of a group and all contracts."""
    names, functions = list(files(group)), [pytest.param(contract, id=contract.__name__) for contract in contracts]
    return lambda test: pytest.mark.parametrize("name", names)(pytest.mark.parametrize("contract", functions)(test))


DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


@walk("neuron", neuron.CONTRACTS)
@pytest.mark.parametrize("device", DEVICES)
def test_neuron(name, contract, device):
    build = option("neuron", name, f"timesteps={STEPS}")

    def make():
        torch.manual_seed(0)  # of parameters that start at random
        return build()

    with torch.device(device):
        contract(make)
        contract(make, (3, 2, 2))


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is not pretended where there is one")
@pytest.mark.filterwarnings("ignore:Triton does not work")
@pytest.mark.parametrize("name", files("neuron"))
def test_a_neuron_on_a_pretended_card(name, card):
    """So that the contracts can run where there is a card."""
    with torch.device(CUDA):
        build = option("neuron", name, f"timesteps={STEPS}")
        for contract in (neuron.spikes, neuron.chunks, neuron.gradients, neuron.fused):
            contract(build)


@walk("encoding", encoding.CONTRACTS)
def test_encoding(name, contract):
    contract(lambda: option("encoding", name, "timesteps=4")(in_channels=2))


@walk("surrogate", surrogate.CONTRACTS)
def test_surrogate(name, contract):
    contract(lambda: option("surrogate", name))


@walk("norm", norm.CONTRACTS)
def test_norm(name, contract):
    contract(option("norm", name))


@walk("backbone", backbone.CONTRACTS)
def test_backbone(name, contract):
    config = configuration(f"backbone={name}", "neuron.v_threshold=0.1")
    contract(component(config, "backbone"), component(config, "neuron"))


@walk("decoding", decoding.CONTRACTS)
def test_decoding(name, contract):
    contract(lambda: option("decoding", name))


@walk("loss", loss.CONTRACTS)
def test_loss(name, contract):
    contract(lambda: option("loss", name))


@walk("init", init.CONTRACTS)
def test_init(name, contract):
    contract(lambda: option("init", name))


@walk("attention", attention.CONTRACTS)
def test_attention(name, contract):
    parts = option("attention", f"[{name}]", "backbone=spikformer", "timesteps=6")
    assert parts
    contract(**parts)


@walk("quantization", quantization.CONTRACTS)
def test_quantization(name, contract):
    contract(lambda: option("quantization", name))


@walk("augmentation", augmentation.CONTRACTS)
def test_augmentation(name, contract):
    contract(option("augmentation", name))


MIXES = [name for name in files("augmentation") if "mixup" in configuration(f"augmentation={name}")["augmentation"]]


@pytest.mark.parametrize("contract", augmentation.CONTRACTS)
@pytest.mark.parametrize("name", MIXES)
def test_augmentation_with_mixup(name, contract):
    contract(option("augmentation", name, "augmentation.mixup=0.5", "augmentation.classes=10"))


@walk("scheduler", scheduler.CONTRACTS)
def test_scheduler(name, contract):
    contract(option("scheduler", name))


@pytest.mark.parametrize("name", files("optimizer"))
def test_optimizer(name):
    method.training(lambda: built((*PIPELINES["spiking"], f"optimizer={name}"), metric={}))


@pytest.mark.parametrize("name", files("trainer"))
def test_trainer(name):
    """It trains for an epoch; in one process, since its two are tested in `tests/run/test_ddp.py`."""
    trainer = option("trainer", name, "trainer.devices=1", "trainer.accelerator=cpu", "trainer.max_epochs=1")
    torch.manual_seed(0)
    trained = built(PIPELINES["spiking"], metric={})
    before = {key: p.detach().clone() for key, p in trained.named_parameters()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and devices
        fit(trainer, trained)
    assert any(not torch.equal(p, before[key]) for key, p in trained.named_parameters())


def fit(trainer: partial, trained: pl.LightningModule) -> None:
    """Train, and undo what a trainer changes in its process."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    try:
        made = trainer(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
        made.fit(trained, datamodule=RandomImages())
    finally:
        torch.use_deterministic_algorithms(deterministic)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def pipelines_of(name: str) -> dict[str, tuple[str, ...]]:
    """The pipelines in which a method is tried: those made for it, and those for any method."""
    own = f"method={name}"
    return {key: words if OWN.get(key) else (*words, own) for key, words in PIPELINES.items() if OWN.get(key, name) == name}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pipeline"), [(name, key) for name in files("method") for key in pipelines_of(name)])
def test_method(name, pipeline):
    words = pipelines_of(name)[pipeline]
    if message := METHOD_REFUSES.get(name, {}).get(pipeline):
        with pytest.raises(ValueError, match=message):
            method.scores(lambda: built(words, metric={}))
        return
    for contract in method.CONTRACTS:
        contract(lambda: built(words, metric={}))


@pytest.mark.slow
@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize("name", files("metric"))
def test_metric(name, pipeline):
    def measured(metrics):
        return built(PIPELINES[pipeline], metric=metrics).double()

    if message := metric_refusal(name, pipeline):
        with pytest.raises((ValueError, AssertionError), match=message):
            metric.numbers(partial(option_of, name), measured)
        return
    for contract in metric.CONTRACTS:
        contract(partial(option_of, name), measured)


@pytest.mark.parametrize("name", files("method"))
def test_every_method_fits_a_pipeline(name):
    assert set(pipelines_of(name)) - set(METHOD_REFUSES.get(name, {})), "add one to PIPELINES"


@pytest.mark.parametrize("name", files("metric"))
def test_every_metric_measures_a_pipeline(name):
    assert not all(metric_refusal(name, pipeline) for pipeline in PIPELINES), "add one to PIPELINES"


@pytest.mark.parametrize(("group", "refuses"), [("method", METHOD_REFUSES), ("metric", METRIC_REFUSES)])
def test_what_is_refused_names_options_and_pipelines(group, refuses):
    assert set(refuses) <= set(files(group))
    assert {name for refused in refuses.values() for name in refused} <= set(PIPELINES)


@pytest.mark.parametrize("name", PIPELINES)
def test_every_layer_of_a_pipeline_fires(name):
    """Otherwise the contracts of metrics would hold for any metric."""
    rates = {}

    class Rates(FiringRate):
        def finish(self, curves):
            rates.update({layer: float(values.mean()) for layer, values in curves["firing_rate"].items()})
            return curves

    metric.numbers(Rates, lambda metric: built(PIPELINES[name], metric=metric).double())
    assert all(0 < rate < 1 for rate in rates.values()), rates


def test_every_group_is_tested():
    here = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    parts = {group for group in groups() if not group.startswith("hydra/")} - NO_PARTS
    assert parts == (here & parts) | set(ELSEWHERE)

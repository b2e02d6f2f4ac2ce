"""Distributions of potentials and gradients and rates by iteration equal those computed from all values at once."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from composing import composed
from spikingjelly.activation_based import functional
from torch import nn

from snnx.compose.check import check
from snnx.metric.drawn_curves import HISTOGRAMS
from snnx.metric.firing_rate import FiringRate
from snnx.metric.firing_rate_by_iteration import FiringRateByIteration
from snnx.metric.potential import Potential
from snnx.metric.recorder import Recorder
from snnx.metric.weight_gradient import BINS, WeightGradient, _slope, _tables
from snnx.neuron.if_ import IF
from snnx.neuron.lif import LIF
from snnx.neuron.ttfs import TTFS
from snnx.run.build import build_data, build_method
from snnx.run.execute import execute

QUICK = ("timesteps=3", "trainer.accelerator=cpu", "neuron=ttfs", "init=ettfs", "backbone=mlp")


def recorded(node: nn.Module, x: torch.Tensor, metric: Potential, sizes: list[int]) -> dict[str, torch.Tensor]:
    """The curves of the one layer after a test in batches."""
    network = nn.Sequential(node)
    with Recorder(network, [metric]) as recorder:
        for part in x.split(sizes, 1):
            node.reset()
            network(part)
            recorder.end_batch(torch.ones(part.shape[1], dtype=torch.bool))
    return {curve: table["0"] for curve, table in recorder.curves("test").items()}


@pytest.mark.parametrize("node", [TTFS(v_threshold=0.8), TTFS(tau=2), LIF(tau=2)], ids=["ttfs", "leaky", "lif"])
def test_potentials_of_neurons_that_may_still_fire(node):
    torch.manual_seed(0)
    x = torch.randn(6, 7, 40) + 0.2
    seen = {}
    node.probe = lambda h, s: seen.update(h=h, s=s)
    node.reset()
    node(x)
    h, s = seen["h"], seen["s"]
    silent_before = s.cumsum(0) - s == 0 if isinstance(node, TTFS) else torch.ones_like(s, dtype=torch.bool)
    some = h[silent_before]
    found = recorded(node, x, Potential(), [3, 3, 1])
    expected = {
        "mean": some.mean(),
        "std": some.std(correction=0),
        "skew": ((some - some.mean()) / some.std(correction=0)).pow(3).mean(),
        "above": (some >= node.v_threshold).float().mean(),
        "near": ((some - node.v_threshold).abs() <= 1).float().mean(),
    }
    for name, value in expected.items():
        torch.testing.assert_close(found[f"potential_{name}"].float(), value[None], rtol=1e-4, atol=1e-5)
    bins = HISTOGRAMS["potential_histogram"]
    shares = torch.histc(some.clamp(bins.low, bins.high), bins.count, bins.low, bins.high) / some.numel()
    torch.testing.assert_close(found["potential_histogram"].float(), shares, rtol=1e-4, atol=1e-6)
    if isinstance(node, TTFS) and node.tau is None:
        torch.testing.assert_close(found["current_variance"].float(), x.var(correction=0)[None], rtol=1e-3, atol=0)
    else:
        assert "current_variance" not in found
    everything = recorded(node, x, Potential(include_refractory=True), [7])
    torch.testing.assert_close(everything["potential_mean"].float(), h.mean()[None], rtol=1e-4, atol=1e-5)


def result(tmp_path, *words: str) -> dict:
    found = execute(replace(composed(*QUICK, *words), outputs=str(tmp_path)))
    assert found["status"] == "done", found["error"]
    return found


def test_a_run_without_training_gives_gradients_at_initialisation(tmp_path):
    """Compared with autograd for the same network and batch, built from the same seed."""
    words = ("trainer.max_epochs=0", "metric=[weight_gradient,firing_rate]", "dataset.batch_size=50", "backbone.hidden=[20,20]")
    found = result(tmp_path, *words)
    check(composed(*QUICK, *words))
    config = composed(*QUICK, *words).config
    torch.manual_seed(0)
    data = build_data(config)
    data.setup()
    method = build_method(config, data).eval()
    images, labels = data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0)
    method.loss(method(images), labels).backward()
    layers = found["layers"]["weight_gradient_log10"]["train"]
    for name in ("layers.fc1.0", "layers.fc2.0", "out"):
        gradient = method.backbone.get_submodule(name).weight.grad
        assert layers[name][0] == pytest.approx(gradient.abs().mean().log10().item(), abs=1e-4)
        shares = found["layers"]["weight_gradient_histogram"]["train"][name]
        decades = gradient.abs().log10().clamp(BINS.low, BINS.high)
        assert shares == pytest.approx(
            (torch.histc(decades, BINS.count, BINS.low, BINS.high) / gradient.numel()).tolist(), abs=1e-4
        )
        small = (gradient.abs() < 1e-8).float().mean().item()
        assert found["layers"]["weight_gradient_small"]["train"][name][0] == pytest.approx(small, abs=1e-5)
    assert found["metrics"]["train/weight_gradient_log10_least"] == pytest.approx(min(v[0] for v in layers.values()), abs=1e-4)
    assert 0 < found["layers"]["surrogate_slope"]["train"]["layers.sn1"][0] < 1
    assert found["curves"] == {}
    assert found["metrics"]["test/acc_best"] == found["metrics"]["test/acc"]
    assert set(found["layers"]["firing_rate"]) == {"test", "correct", "wrong"}


def test_a_gradient_of_zero_is_in_the_lowest_bin():
    assert _tables({"fc": torch.zeros(3, 2)})["weight_gradient_log10"]["fc"].item() == BINS.low


def test_slopes_after_the_spike_of_a_first_spike_neuron_are_zero():
    """ATan with alpha 2: 1 / (1 + (pi x)^2) at x = h - v_threshold; the second neuron has fired before its last step."""
    h = torch.tensor([[0.3, 0.8], [1.3, 0.8]])
    s = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    half = 1 / (1 + (torch.pi * 0.5) ** 2)
    assert _slope(TTFS(v_threshold=0.8), h, s).item() == pytest.approx((half + half + 1) / 4, abs=1e-6)
    assert _slope(LIF(v_threshold=0.8), h, s).item() == pytest.approx((half + half + 1 + 1) / 4, abs=1e-6)


def test_a_network_without_spikes_has_gradients_but_no_slopes(tmp_path):
    found = result(tmp_path, "neuron=relu", "init=kaiming", "timesteps=1", "trainer.max_epochs=0", "metric=[weight_gradient]")
    assert set(found["layers"]) == {"weight_gradient_log10", "weight_gradient_small", "weight_gradient_histogram"}


def test_only_the_first_training_batches_are_recorded():
    """Half of the neurons fire; validation in between is not recorded, and recorded rates are kept after a resume."""
    network, trainer = nn.Sequential(IF()), SimpleNamespace(global_step=0)
    watch = FiringRateByIteration(iterations=10)
    watch.on_train_start(trainer, SimpleNamespace(backbone=network))
    for _ in range(12):
        for mode in (network.eval, network.train):
            mode()
            functional.reset_net(network)
            network(torch.tensor([[[1.0, 0.0]]]))
        trainer.global_step += 1
        watch.on_train_batch_end(trainer, None)
    resumed = FiringRateByIteration(iterations=10)
    resumed.load_state_dict(watch.state_dict())
    for seen in (watch, resumed):
        assert seen.gathered()["firing_rate_by_iteration"]["0"].tolist() == [0.5] * 10


def test_last_over_first():
    rates = {"a": torch.tensor([0.2, 0.6]), "b": torch.tensor([0.3]), "c": torch.tensor([0.1, 0.1])}
    assert FiringRate().extra("firing_rate", rates) == {"last_over_first": pytest.approx(0.25)}
    assert FiringRate().extra("firing_rate", {"a": torch.zeros(2), "b": torch.ones(2)}) == {}


def test_recording_does_not_change_the_result(tmp_path):
    words = ("trainer.max_epochs=1", "budget.samples=0.3", "dataset.batch_size=16", "trainer.precision=bf16-mixed")
    plain = result(tmp_path, *words, "metric=[firing_rate]")
    watched = result(tmp_path, *words, "metric=[firing_rate,firing_rate_by_iteration,weight_gradient,potential,decision]")
    assert watched["curves"] == plain["curves"]
    assert watched["metrics"]["test/loss"] == plain["metrics"]["test/loss"]
    assert watched["layers"]["firing_rate"] == plain["layers"]["firing_rate"]
    rates = watched["layers"]["firing_rate_by_iteration"]["train"]["layers.sn1"]
    assert len(rates) == -(-watched["data"]["train"] // 16)
    assert all(0 < rate <= 1 / 3 for rate in rates), "at most one spike in three steps"
    assert watched["metrics"]["train/firing_rate_by_iteration_start_over_end"] > 0


def test_start_over_end_by_hand():
    rates = {"a": torch.linspace(1, 20, 20), "b": torch.linspace(1, 20, 20)}  # tenths: (1 + 2)/2 and (19 + 20)/2
    extra = FiringRateByIteration().extra("firing_rate_by_iteration", rates)
    assert extra == {"first_over_end": pytest.approx(1 / 19.5), "start_over_end": pytest.approx(1.5 / 19.5)}
    few = {"a": torch.tensor([1.0, 2.0, 4.0])}
    assert FiringRateByIteration().extra("firing_rate_by_iteration", few) == {"first_over_end": 0.25, "start_over_end": 0.25}
    with pytest.raises(ValueError, match="FiringRateByIteration: iterations must be at least 10; got 9"):
        FiringRateByIteration(iterations=9)


def test_nothing_is_gathered_before_a_run():
    assert WeightGradient().gathered() == FiringRateByIteration().gathered() == Potential().gathered() == {}

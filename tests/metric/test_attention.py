"""Zeros, energy and pictures of attention equal the paper's numbers and those computed from all scores at once."""

from functools import partial

import pytest
import torch
from torch import nn

from snnx.attention.nsad import NSAD
from snnx.attention.self_attention import SelfAttention
from snnx.attention.tasa import TASA
from snnx.backbone.mlp import MLP
from snnx.backbone.spikformer import Spikformer
from snnx.metric.attention_energy import AttentionEnergy, attention_energy_nj
from snnx.metric.attention_map import AttentionMap
from snnx.metric.attention_score import AttentionScore
from snnx.metric.attention_zero import AttentionZero
from snnx.metric.denoiser import Denoiser, read
from snnx.metric.firing_rate import FiringRate
from snnx.metric.metric import Metric
from snnx.metric.recorder import Recorder
from snnx.metric.tasa import Attenuation, exponents
from snnx.neuron.lif import LIF

TABLE_3 = [  # share of zeros, nJ
    (0.7426, 7.69), (0.7682, 6.93), (0.7898, 6.28), (0.8264, 5.19),
    (0.9699, 0.90), (0.9782, 0.65), (0.9814, 0.56), (0.9859, 0.42),
]  # fmt: skip


@pytest.mark.parametrize(("zero", "energy"), TABLE_3)
def test_all_rows_of_table_3_follow_one_formula(zero, energy):
    assert attention_energy_nj(1 - zero, 4, 64, 384, "paper") == pytest.approx(energy, abs=0.006)


@pytest.mark.parametrize(("operation", "factor"), [("45nm_int8", 0.03 / 4.75e-3), ("45nm_fp32", 0.9 / 4.75e-3)])
def test_prices_scale_the_energy_and_keep_its_ratios(operation, factor):
    paper, other = (attention_energy_nj(0.5, 4, 64, 384, name) for name in ("paper", operation))
    assert other == pytest.approx(factor * paper)


class Whole(Metric):
    """Stores the scores of every call."""

    over_samples: dict[str, str] = {}

    def __init__(self):
        self.seen = []

    def measure_scores(self, before, after, attention):
        self.seen.append((before, after))
        return {}


@pytest.fixture
def network():
    torch.manual_seed(0)
    net = Spikformer(
        neuron=partial(LIF, v_threshold=0.3),
        in_shape=(3, 16, 16),
        classes=5,
        embed_dim=32,
        heads=4,
        depth=2,
        attention={"denoiser": NSAD},
    )
    return net.eval()


def test_batches_give_the_same_as_the_whole(network):
    """Two batches of different size give the same as all scores at once."""
    whole = Whole()
    metrics = [AttentionZero(), AttentionEnergy(), AttentionScore(), AttentionMap(head=1), FiringRate(), whole]
    images = torch.rand(4, 3, 3, 16, 16)
    network.train()  # with batch statistics, so that neurons fire
    with Recorder(network, metrics) as recorder:
        for columns in ([0, 1], [2]):
            for module in network.modules():
                if isinstance(module, LIF):
                    module.reset()
            network(images[:, columns])
            recorder.end_batch(torch.tensor([False, True][: len(columns)]))
    curves, scalars = recorder.curves("test"), recorder.scalars()
    shares = []
    for block, name in enumerate(("encoder.0.attention", "encoder.1.attention")):
        before, after = (torch.cat(parts, dim=1) for parts in zip(*whole.seen[block::2], strict=True))
        assert 0.02 < (before == 0).float().mean() < (after == 0).float().mean() < 0.999
        shares.append((after == 0).float().mean().item())
        for curve, scores in (("attention_zero_before", before), ("attention_zero", after)):
            torch.testing.assert_close(curves[curve][name].float(), (scores == 0).float().mean((1, 2, 3, 4)))
        shares_of_scores = curves["attention_score_histogram"][name].float()
        torch.testing.assert_close(shares_of_scores, torch.bincount(before.flatten().long(), minlength=33) / before.numel())
        threshold = int(curves["attention_score_threshold_95"][name])
        assert (before < threshold).float().mean() >= 0.95 > (before < threshold - 1).float().mean()
        energy = attention_energy_nj((after != 0).float().mean().item(), 4, 16, 32, "paper")
        assert curves["attention_energy_nj"][name].item() == pytest.approx(energy, rel=1e-4)
        if name.startswith("encoder.1"):
            assert torch.equal(recorder.curves("correct")["attention_map"][name], after[-1, 1, 1].flatten())
    assert "attention_map" not in {**recorder.curves("wrong"), **curves}
    assert list(recorder.curves("correct")["attention_map"]) == ["encoder.1.attention"]
    assert "test/attention_map" not in scalars
    assert [scalars[f"test/attention_zero_block{i}"] for i in (0, 1)] == pytest.approx(shares)
    assert scalars["test/attention_zero_least"] == pytest.approx(min(shares))
    assert scalars["test/attention_zero_rise"] == pytest.approx(shares[1] - shares[0], abs=1e-6)
    energies = [scalars[f"test/attention_energy_nj_block{i}"] for i in (0, 1)]
    assert scalars["test/attention_energy_nj_sum"] == pytest.approx(sum(energies))
    rates = curves["firing_rate"]
    assert {f"encoder.0.attention.{name}_sn" for name in ("q", "k", "v")} < set(rates)


def test_scores_are_computed_only_if_a_metric_reads_them(network):
    with Recorder(network, [FiringRate()]):
        assert all(m.probe is None for m in network.modules() if isinstance(m, SelfAttention))
    with Recorder(network, [AttentionZero()]):
        assert all(m.probe is not None for m in network.modules() if isinstance(m, SelfAttention))
    assert all(m.probe is None for m in network.modules() if isinstance(m, SelfAttention))


def test_denoisers_are_read_for_each_head(network):
    denoisers = {name: m for name, m in network.named_modules() if isinstance(m, NSAD)}
    with torch.no_grad():
        denoisers["encoder.1.attention.denoiser"].a1[3] = 1.3
    found = read(denoisers)
    assert found["denoiser_table"]["encoder.1.attention.denoiser, head 3"].tolist() == [0, 0, 3, 4, 5, 6, 8, 8, 8]
    assert found["denoiser_curve"]["encoder.1.attention.denoiser, head 3"][6].item() == pytest.approx(7.8)
    assert [len(u) for u in found["denoiser_threshold"].values()] == [4, 4]
    assert Denoiser().gathered() == read({}) == {}


def test_the_exponents_of_tasa_are_read_for_each_layer(network):
    """kappa moved in one layer, but not far enough for another integer."""
    assert exponents(network) == Attenuation().gathered() == {}
    settings = [{"k": 2}, {"k": 1, "decay": "per_tau"}, {"window": 1}]
    layers = nn.ModuleList([TASA(**{"timesteps": 4, "window": 3, **each}) for each in settings])
    with torch.no_grad():
        layers[0].kappa += 0.4
        layers[1].kappa[1] = 9.0
    found = {curve: {layer: values.tolist() for layer, values in table.items()} for curve, table in exponents(layers).items()}
    assert found == {"tasa_kappa": {"0": [pytest.approx(2.4)], "1": [1.0, 9.0]}, "tasa_k": {"0": [2.0], "1": [1.0, 7.0]}}


def test_wrong_arguments_are_rejected(network):
    with pytest.raises(ValueError, match="AttentionEnergy: operation must be one of paper, 45nm_int8, 45nm_fp32; got 7nm"):
        AttentionEnergy(operation="7nm")
    with pytest.raises(ValueError, match="AttentionMap: head must be at least 0; got -1"):
        AttentionMap(head=-1)
    with (
        pytest.raises(ValueError, match="AttentionMap: head must be below the 4 heads of a block; got 4"),
        Recorder(network, [AttentionMap(head=4)]),
    ):
        network(torch.rand(1, 1, 3, 16, 16))


@pytest.mark.parametrize("metric", [AttentionEnergy(), AttentionMap(), AttentionScore(), AttentionZero()])
def test_a_metric_of_attention_needs_spiking_attention(metric):
    network = MLP(neuron=LIF, hidden=[4], in_shape=(1, 2, 2), classes=3)
    name = type(metric).__name__
    with pytest.raises(ValueError, match=f"{name}: backbone must have spiking attention; got MLP; choose backbone=spikformer"):
        Recorder(network, [metric])

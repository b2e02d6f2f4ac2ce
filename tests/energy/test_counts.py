"""Counts of operations equal counts by hand, those of a network with folded poolings, and those of other libraries."""

import pytest
import torch
from composing import composed
from counters import counted, spikingjelly
from spikingjelly.activation_based import functional, op_counter
from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import nn

from snnx.attention.self_attention import SelfAttention
from snnx.backbone.convnet import ConvNet
from snnx.backbone.fold import fold_average_pooling
from snnx.backbone.scnn import SCNN
from snnx.backbone.vit import Attention
from snnx.conversion.fold_norm import fold_norm
from snnx.decoding.mean_logits import MeanLogits
from snnx.energy import operations
from snnx.energy.chips import relative_energy
from snnx.energy.fan_out import fan_out
from snnx.energy.prices import PRICES
from snnx.metric.anytime import AnyTime
from snnx.metric.energy import Energy
from snnx.metric.firing_rate import FiringRate
from snnx.metric.recorder import Recorder
from snnx.neuron.if_ import IF
from snnx.neuron.relu_quantised import QuantisedReLU
from snnx.run.build import build_method

SPIKES = torch.tensor([[1.0, 0.0, 1.0, 1.0]]).view(1, 1, 4)


@pytest.mark.parametrize(
    ("x", "synops"),
    [
        (SPIKES, 30),  # binary: each of three spikes meets ten weights
        (SPIKES * torch.tensor([1.0, 1.0, -1.0, 1.0]), 30),  # ternary
        (SPIKES * torch.tensor([1.0, 1.0, 2.0, 3.0]), 60),  # graded: 1 + 2 + 3
    ],
)
def test_synops_equal_a_count_by_hand(x, synops):
    found = counted(nn.Sequential(nn.Linear(4, 10, bias=False)), x)
    assert (found["synops"], found["macs"]) == (synops, 0)
    assert found["45nm_uj"] == pytest.approx(0.9 * synops / 1e6)
    assert found["memory_uj"] == pytest.approx((0.9 + 4 * 24.96) * synops / 1e6)


def test_memory_of_a_spiking_and_of_a_quantised_network_by_hand():
    """Four inputs, ten neurons, three outputs, two steps: one input fires at each step, and all neurons at the second step."""
    spiking = nn.Sequential(nn.Linear(4, 10, bias=False), IF(), nn.Linear(10, 3))
    spiking[0].weight.data.fill_(0.5)
    found = counted(spiking, torch.tensor([1.0, 0.0, 0.0, 0.0]).expand(2, 1, 4))
    steps, synops = 2, 2 * 10 + 10 * 3
    weights, biases = synops, 3 * steps  # a byte for each addition
    spikes = 2 * (4 + 10) * steps / 8  # a bit for each input and neuron, written and read at each step
    potentials = 2 * 2 * 10 * steps  # two bytes for each neuron, written and read at each step
    moved = weights + biases + spikes + potentials
    assert (found["synops"], found["int8_bytes"]) == (synops, moved)
    assert found["int8_memory_uj"] == pytest.approx((0.03 * synops + 2.5 * moved) / 1e6)

    quantised = nn.Sequential(nn.Linear(4, 10, bias=False), QuantisedReLU(bits=2), nn.Linear(10, 3))
    found = counted(quantised, torch.tensor([[[0.3, 0.0, 0.0, 0.0]]]))
    macs, bits = 4 * 10 + 10 * 3, 4 * 8 + 10 * 2  # four pixels of 8 bits, ten activations of 2
    moved = macs + 3 + 2 * bits / 8  # weights, biases, and pixels and activations, each written and read
    assert (found["macs"], found["int8_bytes"]) == (macs, moved)
    assert found["int8_memory_uj"] == pytest.approx((0.23 * macs + 2.5 * moved) / 1e6)


def test_values_take_at_most_eight_bits():
    def moved(bits):
        network = nn.Sequential(nn.Linear(4, 10, bias=False), QuantisedReLU(bits=bits), nn.Linear(10, 3))
        return counted(network, torch.tensor([[[0.3, 0.0, 0.0, 0.0]]]))["int8_bytes"]

    assert moved(16) == moved(8) == moved(2) + 2 * 10 * 6 / 8


def test_graded_spikes_take_more_bits():
    one = counted(nn.Sequential(nn.Linear(4, 10, bias=False)), SPIKES)
    many = counted(nn.Sequential(nn.Linear(4, 10, bias=False)), SPIKES * torch.tensor([1.0, 1.0, 2.0, 4.0]))
    assert one["int8_bytes"] == 30 + 2 * 4 * 1 / 8
    assert many["int8_bytes"] == 70 + 2 * 4 * 3 / 8  # numbers up to 4


@pytest.mark.parametrize("spikes", [True, False], ids=["spikes", "values"])
def test_counts_are_exact_whatever_the_precision_of_the_run(spikes):
    """235,200 = 28 * 28 * 4 * 75 has more bits than bfloat16, in which autocast would multiply."""
    layer, draw = nn.Conv2d(3, 4, 5, bias=False), torch.Generator().manual_seed(0)
    x = torch.rand(2, 2, 3, 32, 32, generator=draw)
    x = (x < 0.3).float() if spikes else x
    with torch.autocast("cpu", torch.bfloat16):
        found = operations.additions(layer, x), operations.macs(layer, x), operations.charge(layer, x)
        half = operations.charge(layer, x.bfloat16()) if spikes else found[2]
    assert found[1] == 235_200
    brute = nn.functional.conv2d(x.flatten(0, 1).double(), torch.ones(4, 3, 5, 5, dtype=torch.float64)).sum((1, 2, 3))
    if spikes:
        torch.testing.assert_close(found[0].flatten(), brute, rtol=0, atol=0)
    else:
        assert found[0] is None
    for charge in (found[2], half):
        torch.testing.assert_close(charge.sum(0), brute.view(2, 2).sum(0), rtol=0 if spikes else 1e-6, atol=0)


LEVELS = {  # the values of an input: their greatest common divisor
    (1.0,): 1.0, (-1.0, 1.0): 1.0, (0.25, 0.5, 0.75, 1.0): 0.25, (0.25,): 0.25, (0.75,): 0.75, (0.5, 0.75): 0.25, (0.5,): 0.5,
    (0.5, 1.0): 0.5, (0.75, 1.0): 0.25, (-0.25, 0.5): 0.25, (2.0, 4.0): 2.0, (0.25, 3.0): 0.25, (0.125, 1.0): 0.125,
    (0.3, 0.9): 0.3,
}  # fmt: skip


@pytest.mark.parametrize("levels", LEVELS, ids=str)
@pytest.mark.parametrize("layer", [nn.Conv2d(3, 4, 3, padding=1), nn.Linear(6, 5)], ids=["conv", "linear"])
def test_additions_are_counted_in_the_largest_common_unit(layer, levels):
    draw = torch.Generator().manual_seed(0)
    x = torch.tensor([0.0, 0.0, *levels])[torch.randint(2 + len(levels), (2, 3, 3, 8, 6), generator=draw)]
    ones = torch.ones_like(layer.weight, dtype=torch.float64)
    amounts = (x.double() / LEVELS[levels]).round().abs()
    if isinstance(layer, nn.Linear):
        brute = (amounts @ ones.T).sum((2, 3, 4))
    else:
        brute = nn.functional.conv2d(amounts.flatten(0, 1), ones, padding=1).sum((1, 2, 3)).view(2, 3)
    torch.testing.assert_close(operations.additions(layer, x), brute, rtol=1e-6 if 0.3 in levels else 0, atol=0)
    assert torch.equal(operations.additions(layer, torch.zeros_like(x)), torch.zeros(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [1, (2, 1), "same"])
@pytest.mark.parametrize("groups", [1, 4])
def test_every_kind_of_padding_is_counted_as_the_layer_computes_it(mode, padding, groups):
    """Golden: a layer with weights of 1 adds up what it reads, so its outputs on spikes are the counts."""
    layer = nn.Conv2d(4, 8, 3, padding=padding, groups=groups, bias=False, padding_mode=mode)
    spikes = (torch.rand(2, 3, 4, 7, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    before = torch.random.get_rng_state()
    found = fan_out(layer, spikes)
    assert torch.equal(torch.random.get_rng_state(), before), "counting must not change the random numbers of a run"
    nn.init.ones_(layer.weight)
    assert torch.equal(found, layer(spikes.flatten(0, 1)).sum((1, 2, 3)).double().detach().view(2, 3))
    assert operations.charge(layer, spikes).sum() == found.sum()
    assert operations.outputs(layer, spikes) == layer(spikes[0, :1]).numel()


def test_anytime_and_energy_count_the_same_in_bfloat16():
    draw = torch.Generator().manual_seed(0)
    network = SCNN(neuron=IF, in_shape=(1, 28, 28), classes=10, bias=False)
    x = torch.rand(4, 3, 1, 28, 28, generator=draw)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16), Recorder(network.eval(), [Energy(), AnyTime()]) as recorder:
        recorder.labels = torch.zeros(3)
        recorder.see_input(x[0], x)
        recorder.see_output(network(x).float(), MeanLogits())
        recorder.end_batch(torch.zeros(3, dtype=torch.bool))
        found = recorder.scalars()
    assert found["test/energy_synops"] > 0
    assert found["test/anytime_synops"] == pytest.approx(found["test/energy_synops"], rel=1e-12)
    assert found["test/anytime_energy_uj"] == pytest.approx(found["test/energy_45nm_uj"], rel=1e-12)


class Behind(nn.Module):
    """A layer that reads spikes through another module, after a layer that reads the input."""

    def __init__(self, between: nn.Module) -> None:
        super().__init__()
        self.a, self.sn, self.between, self.b = nn.Linear(4, 4, bias=False), IF(), between, nn.Linear(4, 10, bias=False)
        self.a.weight.data = 2 * torch.eye(4)

    def forward(self, x):
        return self.b(self.between(self.sn(self.a(x))))


class Times(nn.Module):
    def __init__(self, factor) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def test_scaled_spikes_are_additions_also_with_a_scale_per_channel():
    for factor in (0.7, torch.tensor([0.7, 0.31, 1.9, 0.123])):
        found = counted(Behind(Times(factor)), SPIKES)
        assert (found["synops"], found["macs"]) == (12 + 30, 0)


def test_inputs_that_are_not_spikes_are_multiplied_by_every_weight():
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(3, 64, 4, generator=draw)
    network = nn.Sequential(nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 5))
    found = counted(network, x)
    assert found["macs"] == 3 * (24 + 30)
    assert found["bytes"] == 4 * 3 * (54 + 11)
    constant = counted(network, x[:1].expand(3, 64, 4))
    assert constant["macs"] == 24 + 3 * 30  # the first layer is computed once


def test_a_mean_of_a_window_counts_as_the_spikes_in_it():
    """The count equals that of the network with folded poolings, whose layers receive spikes only."""
    torch.manual_seed(0)
    network = SCNN(neuron=IF, in_shape=(1, 14, 14), classes=4, kernel=3, hidden=[12])
    x = (torch.rand(5, 6, 1, 14, 14) < 0.5).float()
    folded, met = fold_average_pooling(network, (1, 14, 14)), []
    functional.reset_net(folded)
    for module in folded.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_pre_hook(
                lambda m, given: met.append(
                    fan_out(m, given[0] if given[0].shape[:2] == (5, 6) else given[0].unflatten(0, (5, 6)))
                )
            )
    folded(x)
    assert counted(network, x)["synops"] == pytest.approx(float(torch.stack(met).sum()) / 6)


def test_products_of_attention_equal_a_count_in_loops():
    """Layers that read spikes and both products are counted entry by entry."""
    torch.manual_seed(0)
    layer, seen, met = SelfAttention(8, 2, lambda: IF(v_threshold=0.3)), {}, []
    for name in "qkv":
        getattr(layer, f"{name}_sn").register_forward_hook(lambda m, i, made, name=name: seen.__setitem__(name, made))
    for part in (layer.q, layer.k, layer.v, layer.proj):
        part.fc.register_forward_pre_hook(lambda m, given: met.append(8 * int((given[0] != 0).sum())))
    found = counted(layer, (torch.rand(3, 2, 5, 8) < 0.5).float())
    q, k, v = (layer._by_head(seen[name]).bool() for name in "qkv")  # [T*B, h, N, d]
    walked = 0
    for n, h, i, j in torch.cartesian_prod(*map(torch.arange, (*q.shape[:3], q.shape[2]))).tolist():
        score = int((q[n, h, i] & k[n, h, j]).sum())
        walked += score + score * int(v[n, h, j].sum())
    assert walked > 100
    assert (found["synops"], found["macs"]) == ((sum(met) + walked) / 2, 0)


@pytest.mark.parametrize("constant", [False, True])
def test_a_batch_norm_counts_as_if_it_were_folded(constant):
    torch.manual_seed(0)
    network = ConvNet(neuron=lambda: IF(v_threshold=0.2), in_shape=(1, 8, 8), classes=4, channels=[4, 6]).eval()
    x = torch.rand(3, 2, 1, 8, 8)
    x = x[:1].expand(x.shape) if constant else x
    found, folded = counted(network, x), counted(fold_norm(network, (1, 8, 8)), x)
    assert found["synops"] > 0
    assert found == pytest.approx(folded)


def test_a_batch_norm_of_tokens_counts_as_a_bias():
    torch.manual_seed(0)
    without, zero = (SelfAttention(8, 2, lambda: IF(v_threshold=0.3), qkv_bias=bias) for bias in (False, True))
    zero.load_state_dict({**zero.state_dict(), **without.state_dict()})
    for name in "qkv":
        nn.init.zeros_(getattr(zero, name).fc.bias)
    x = (torch.rand(3, 2, 5, 8) < 0.5).float()
    assert counted(without, x) == pytest.approx(counted(zero, x))


@pytest.mark.parametrize("metric", [Energy, AnyTime])
def test_attention_that_cannot_be_measured_is_rejected(metric):
    name = metric.__name__
    with pytest.raises(ValueError, match=rf"{name}: attention must be .* products can be measured; got snnx.backbone.vit"):
        Recorder(nn.Sequential(Attention(8, 2)), [metric()])
    with pytest.raises(ValueError, match=rf"{name}: attention must have spiking neurons, .*; got ReLU in 0; choose"):
        Recorder(nn.Sequential(SelfAttention(8, 2, nn.ReLU)), [metric()])


@pytest.mark.parametrize("layer", [nn.Conv1d(4, 8, 3), nn.ConvTranspose2d(1, 2, 3), nn.Bilinear(2, 3, 4), nn.GRU(3, 4)])
@pytest.mark.parametrize("metric", [Energy, AnyTime])
def test_layers_that_cannot_be_counted_are_rejected(metric, layer):
    with pytest.raises(ValueError, match=rf"backbone must multiply in Conv2d, .*; got {type(layer).__name__} in 0$"):
        Recorder(nn.Sequential(layer), [metric()])


def test_all_layers_are_counted_whatever_is_watched():
    torch.manual_seed(0)
    network, x = SelfAttention(8, 2, lambda: IF(v_threshold=0.3)), (torch.rand(3, 2, 5, 8) < 0.5).float()
    found = []
    for layers in ("*", "proj_sn"):
        metrics = [Energy(), AnyTime(marks=[3]), FiringRate()]
        with torch.no_grad(), Recorder(network.eval(), metrics, layers) as recorder:
            functional.reset_net(network)
            recorder.labels = torch.zeros(2, dtype=torch.long)
            recorder.see_input(x[0], x)
            recorder.see_output(network(x).flatten(2), MeanLogits())
            recorder.end_batch(torch.zeros(2, dtype=torch.bool))
        found.append(recorder)
    energies = [{k: v for k, v in one.scalars().items() if "energy" in k or "anytime" in k} for one in found]
    assert energies[0] == energies[1]
    assert energies[0]["test/anytime_spikes"] > 0
    assert list(found[1].curves("test")["firing_rate"]) == ["proj_sn"]


class Image:
    shape, classes = (1, 4, 4), 5


@pytest.mark.parametrize("metric", ["energy", "anytime"])
def test_a_learned_encoding_is_counted(metric):
    """A kernel copies an image with pixels 1 and 1/2, and the encoding's neurons have the threshold 0.9."""
    words = ["encoding=conv_direct", "encoding.channels=1", "timesteps=3", "neuron=if", "neuron.v_threshold=0.9"]
    words += ["backbone=mlp", "backbone.hidden=[]"]
    method = build_method(composed(*words, f"metric=[{metric}]").config, Image()).eval()
    nn.init.dirac_(method.encoding.conv.weight)
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 0, 0], image[0, 0, 2, 2] = 1.0, 0.5
    with torch.no_grad(), Recorder(method.backbone, [*method.metrics.values()], "*", method.encoding) as method.recorder:
        method.recorder.labels = torch.zeros(1, dtype=torch.long)
        method(image)
        method.recorder.end_batch(torch.zeros(1, dtype=torch.bool))
    found, curves = method.recorder.scalars(), method.recorder.curves("test")
    macs, by_step = 10 * 10, [1, 2, 1]  # rows meet 2, 3, 3, 2 rows of the kernel; 1/2 fires at step 2
    if metric == "energy":
        assert curves["energy_macs"] == {"encoding.conv": macs}
        assert found["test/energy_synops"] == 5 * sum(by_step)
        assert found["test/energy_truenorth"] == pytest.approx(relative_energy(3, sum(by_step), "truenorth"))
        assert found["test/energy_45nm_uj"] == pytest.approx((4.6 * macs + 0.9 * 5 * 4) / 1e6)
    else:
        assert curves["anytime_spikes"]["all"].tolist() == [1, 3, 4]
        assert curves["anytime_energy_uj"]["all"].tolist() == pytest.approx([(460 + 0.9 * 5 * n) / 1e6 for n in (1, 3, 4)])


def spiking() -> tuple[nn.Module, torch.Tensor]:
    """A network of convolutions and spikes without poolings, on which all counters should agree."""
    torch.manual_seed(0)
    convolution = SeqToANNContainer(nn.Conv2d(1, 4, 3, padding=1, bias=False))
    network = nn.Sequential(convolution, IF(v_threshold=0.3), nn.Flatten(2), nn.Linear(64, 5, bias=False))
    return network, (torch.rand(4, 3, 1, 4, 4) < 0.5).float()


def test_spikingjelly_agrees_on_binary_spikes():
    network, x = spiking()
    ours, theirs = counted(network, x), spikingjelly(network, x)
    assert ours["synops"] == pytest.approx(theirs["synops"])
    assert ours["macs"] == theirs["macs"] == 0
    moved = op_counter.NeuromorphicMemoryAccessCounter()
    functional.reset_net(network)
    with torch.no_grad(), op_counter.ModuleCounterMode([moved], model=network):
        network(x)
    assert ours["bytes"] == pytest.approx(moved.get_total() / 3)


def test_spikingjelly_counts_no_synop_for_scaled_spikes():
    network, x = Behind(Times(0.7)), SPIKES
    assert spikingjelly(network, x)["synops"] == 12
    assert counted(network, x)["synops"] == 42


def test_prices_equal_those_of_their_sources():
    network, x = spiking()
    found = counted(network, x)
    functional.reset_net(network)
    fired = network[:2](x).detach()
    assert found["truenorth"] == pytest.approx(relative_energy(4, float(fired.sum()) / 3, "truenorth"))
    config = op_counter.SimpleEnergyCostConfig()
    assert (config.e_mac_pj, config.e_ac_pj, config.e_memory_pj_per_byte) == PRICES["memory"][:3]
    assert set(Energy.formulas) == {f"energy_{name}" for name in found if f"energy_{name}" in Energy.formulas}


def test_anytime_and_energy_agree_if_no_spike_is_graded():
    """The energy that anytime gives for the last step equals the metric energy."""
    network, x = spiking()
    with torch.no_grad(), Recorder(network.eval(), [AnyTime(marks=[4]), Energy()]) as recorder:
        functional.reset_net(network)
        recorder.labels = torch.zeros(3, dtype=torch.long)
        recorder.see_input(x[0], x)
        recorder.see_output(network(x), MeanLogits())
        recorder.end_batch(torch.zeros(3, dtype=torch.bool))
        found = recorder.scalars()
    assert found["test/anytime_energy_uj_at_4"] == pytest.approx(found["test/energy_45nm_uj"])


@pytest.mark.parametrize("words", [["method=direct", "neuron.v_threshold=0.1"], ["method=conversion", "timesteps=25"]])
def test_energy_of_runs(words):
    """A converted network is simulated in pieces, and its first layer must be counted once."""

    class Facts:
        shape, classes = (1, 8, 8), 10

    torch.manual_seed(0)
    method = build_method(composed(*words, "metric=[energy]", "backbone.channels=[4]").config, Facts()).eval()
    images = torch.rand(6, 1, 8, 8)
    if words[0] == "method=conversion":
        method.convert(lambda: [images])
    with torch.no_grad(), Recorder(method.tested, list(method.metrics.values())) as method.recorder:
        method.recorder.labels = torch.zeros(6, dtype=torch.long)
        method(images)
        method.recorder.end_batch(torch.zeros(6, dtype=torch.bool))
        found = method.recorder.scalars()
    assert isinstance(method.backbone, ConvNet)
    assert found["test/energy_macs"] == 4 * 22 * 22  # of 8 rows, 6 meet 3 rows of the kernel and 2 meet 2
    assert found["test/energy_synops"] > 0

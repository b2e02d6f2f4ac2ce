"""The codes of a converted network: golden values, and each neuron against a step-by-step transcription of its rule."""

from math import exp

import pytest
import torch
from composing import composed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.conversion.bursting import Bursting
from snnx.conversion.code import phase
from snnx.conversion.code.tune import tuned
from snnx.conversion.code.windows import Windows
from snnx.conversion.dendrite import Dendrite
from snnx.conversion.kernel import TemporalKernel, as_sent, first_steps, kernel_values
from snnx.conversion.links import Link
from snnx.conversion.presented import Presented
from snnx.conversion.timed import Once, Timed
from snnx.metric.recorder import Recorder
from snnx.run.build import build_method

WINDOWS = ["method.start=32", "method.duration=32"]
CODES = {
    "rate": ["method.code=rate", "timesteps=96"],
    "phase": ["method.code=phase", "timesteps=96"],
    "burst": ["method.code=burst", "timesteps=96"],
    "t2fsnn": ["method.code=t2fsnn", "timesteps=96", *WINDOWS],
    "early": ["method.code=t2fsnn", "timesteps=64", "method.start=16", "method.duration=32"],
    "park": ["method.code=park", "method.activation=kernel", "method.ceiling=1.0", "timesteps=96", *WINDOWS],
}
RECOVERED = {  # tuned on VGG-16 and CIFAR-10 by the authors of T2FSNN: time constant and delay of some layers
    "in": (25.492895, 0.0),
    "conv1": (19.455557, -2.0043764),
    "conv4_1": (19.287987, -4.0598626),
    "fc2": (19.333632, -4.551571),
}


class Facts:
    shape, classes = (1, 8, 8), 10


def build(*overrides, backbone=("backbone=convnet", "backbone.channels=[6,8]")):
    torch.manual_seed(0)
    method = build_method(composed("method=conversion", *backbone, *overrides).config, Facts()).double()
    for module in method.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.4)
    method.train()
    with torch.no_grad():
        for _ in range(20):
            method(images(16, seed=3))
    return method.eval()


def images(size=6, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (size, 1, 8, 8), generator=draw).double() / 255


@torch.no_grad()
def measured(method, x):
    """The scores and all curves of a test."""
    with Recorder(method.backbone, list(method.metrics.values()), method.watch) as method.recorder:
        method.recorder.labels = torch.arange(len(x)) % 10
        method.convert(lambda: [x])
        scores = method(x)
        method.recorder.end_batch(scores.argmax(1) == method.recorder.labels)
    return scores, method.recorder.curves("test")


def test_phases_are_those_of_the_authors_code():
    assert [phase.of_layers(t) for t in range(9)] == [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1]
    assert [phase.of_input(t) for t in range(9)] == [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256, 1 / 2]


@pytest.mark.parametrize("layer", RECOVERED)
def test_kernels_with_the_constants_of_the_authors(layer):
    """The value of a spike at t is exp(-(t - td)/tc); with a delay below 0 the largest is below 1."""
    tc, td = RECOVERED[layer]
    values = kernel_values(torch.tensor(tc, dtype=torch.float64), td, 80)
    assert values.tolist() == pytest.approx([exp(-(t - td) / tc) for t in range(80)])
    assert (values[0] < 1) == (td < 0)
    assert 0.01 < values[-1] < 0.05


@pytest.mark.parametrize(("start", "duration", "steps"), [(40, 80, 680), (32, 64, 544), (80, 80, 1280)])
def test_steps_of_vgg_16(start, duration, steps):
    assert Windows(start, duration).steps(layers=16) == steps


def phase_neuron(every=8):
    return Timed(phase.of_layers, Dendrite(lambda t: 1.0, every=every))


@settings(deadline=None)
@given(st.integers(0, 255))
def test_a_pixel_sends_its_eight_binary_digits(level):
    """In the first period; the mean over periods is off by less than one digit in all."""
    neuron = Timed(phase.of_input, Dendrite(lambda t: 1.0, every=8))
    encoding = Presented(timesteps=8, in_channels=1, neuron=neuron, every=8)
    x = torch.full((1, 1, 1, 1), level / 255, dtype=torch.float64)
    values = torch.tensor([phase.of_input(t) for t in range(8)], dtype=torch.float64)
    bits = encoding(x).flatten()
    assert "".join(str(int(bit)) for bit in bits) == f"{level:08b}"
    periods = torch.stack([bits, *(encoding(x).flatten() for _ in range(9))])
    if level < 255:  # a period sends at most 255/256
        assert abs(float((periods * values).sum() / 10) - level / 255) < 2**-8 / 10 + 1e-12


@settings(deadline=None)
@given(st.floats(0, 1.99))
def test_a_period_transmits_a_potential_to_seven_digits(x):
    neuron = phase_neuron()
    current = torch.zeros(8, 1, dtype=torch.float64)
    current[0] = x
    sent = sum(phase.of_layers(t) * s.item() for t, s in enumerate(neuron(current)))
    assert 0 <= x - sent < 2**-7
    assert neuron.v.item() == pytest.approx(x - sent)


@settings(deadline=None)
@given(st.floats(0, 50), st.floats(0.05, 2))
def test_a_burst_transmits_a_potential_within_its_first_value(x, first):
    neuron = Bursting(v_threshold=first)
    current = torch.zeros(400, 1, dtype=torch.float64)
    current[0] = x
    sent = first * neuron(current).sum().item()
    assert -1e-9 <= x - sent < first + 1e-9


@settings(deadline=None)
@given(st.floats(0, 2), st.floats(1, 30), st.floats(-5, 5))
def test_a_spike_is_worth_the_largest_value_of_the_kernel_that_is_reached(x, constant, delay):
    values = kernel_values(torch.tensor(constant, dtype=torch.float64), delay, 40)
    neuron = Once(Windows(40, 40).rhythm(0, values.tolist()), Dendrite(lambda t: 1.0, every=40))
    current = torch.zeros(40, 1, dtype=torch.float64)
    current[0] = x
    s = neuron(current).flatten()
    reached = [value for value in values.tolist() if x >= value]
    assert (s * values).sum().item() == max(reached, default=0.0)
    assert as_sent(current[:1], values).item() == max(reached, default=0.0)
    step = int(first_steps(current[:1], values))
    assert s.nonzero().flatten().tolist() == ([step] if reached else [])


def test_kernel_activation_has_the_gradient_of_the_unrounded_one():
    kernel = TemporalKernel(duration=40, ceiling=1.5).double()
    x = torch.tensor([-1.0, 0.01, 0.1, 0.4, 1.2, 3.0], dtype=torch.float64, requires_grad=True)
    y = kernel(x)
    y.sum().backward()
    with torch.no_grad():
        torch.testing.assert_close(y, kernel(x))
        inside = torch.tensor([0.0, 0, 1, 1, 1, 0])
        torch.testing.assert_close(x.grad, inside * y / x)
    assert kernel.delay.grad.item() == pytest.approx(1.5 / 10)  # of the largest value alone, exp(delay/10)
    assert torch.isfinite(kernel.time_constant.grad)


def test_one_step_of_tuning_equals_the_rule_by_hand():
    x, tc, td = torch.tensor([[0.9, 0.5, 0.03, 0.0], [0.7, 0.0, 0.2, 0.1]], dtype=torch.float64), 20.0, -1.0
    grid = [exp(-(t - td) / tc) for t in range(80)]
    terms, earliest, least = [], [], []
    for row in x.tolist():
        sent = [next(((g, t) for t, g in enumerate(grid) if value >= g), (0.0, 80)) for value in row]
        terms += [(value - y) * y * (t - td) for value, (y, t) in zip(row, sent, strict=True)]
        earliest.append(min(t for _, t in sent))
        low, high = sorted(row)[:2]
        least.append(low + 0.06 * (high - low))  # the 2nd percentile of four values
    positive = [term for term in terms if term > 0]
    bottom = exp(-(80 - td) / tc)
    d1, d2 = sum(positive) / len(positive), (sum(least) / 2 - bottom) * bottom * (80 - td)
    new = tc + (10 * d1 + 100 * d2) / tc**2  # from here on, the delay's step uses the new time constant
    top = exp(td / new)
    d3 = sum((exp(-(t - td) / new) - top) * top for t in earliest) / 2 / new
    assert tuned(tc, td, x, 80) == pytest.approx((new, td + d3), rel=1e-9)
    assert tuned(tc, td, torch.zeros(2, 4), 80)[0] < tc  # silent layers need no slow kernel


def phase_by_hand(x, w, b, steps):
    """The scores after each step, by the authors' rule with values as spikes; so are the next two."""
    pixels, u, total, scores = torch.zeros_like(x), [0.0, 0.0], 0.0, []
    for t in range(steps):
        first, value = t % 8 == 0, 0.5 ** (t % 8)
        pixels = pixels + (x if first else 0)
        out = value / 2 * (pixels >= value / 2).double()
        pixels = pixels - out
        for i in range(2):
            u[i] = u[i] + out @ w[i].T + (b[i] if first else 0)
            out = value * (u[i] >= value).double()
            u[i] = u[i] - out
        total = total + out @ w[2].T + (b[2] if first else 0)
        scores.append(total / (t // 8 + 1))
    return torch.stack(scores)


def burst_by_hand(x, w, b, steps):
    u, start, total, scores = [0.0, 0.0, 0.0], [0.125, 0.4, 0.4], 0.0, []
    v = [torch.tensor(value, dtype=torch.float64) for value in start]
    for t in range(steps):
        out = x
        for i in range(3):
            u[i] = u[i] + (out @ w[i - 1].T + b[i - 1] if i else out)
            fired = u[i] >= v[i]
            out = v[i] * fired.double()
            u[i], v[i] = u[i] - out, torch.where(fired, 2 * v[i], torch.full_like(out, start[i]))
        total = total + out @ w[2].T + b[2]
        scores.append(total / (t + 1))
    return torch.stack(scores)


def first_spike_by_hand(x, w, b, steps, windows, kernels):
    u, scores = [x, *(bias.expand(len(x), -1) for bias in b)], []
    rests = [torch.zeros_like(one, dtype=torch.bool) for one in u]
    for t in range(steps):
        out = torch.zeros(())
        for i in range(4):
            u[i] = u[i] + (out @ w[i - 1].T if i else 0)
            if i == 3:
                break
            local, (tc, td) = t - i * windows.start, kernels[i]
            value = exp(-(local - td) / tc) if 0 <= local < windows.duration else 0.0
            fired = (u[i] >= value) & ~rests[i] & (value > 0)
            rests[i] = rests[i] | fired
            out = value * fired.double()
        scores.append(u[3])
    return torch.stack(scores)


BY_HAND = {"phase": phase_by_hand, "burst": burst_by_hand, "t2fsnn": first_spike_by_hand, "early": first_spike_by_hand}


@pytest.mark.parametrize("code", BY_HAND)
@torch.no_grad()
def test_networks_equal_a_transcription_of_their_rules(code):
    """Scores after each step in float64, with weights that are scaled here."""
    method = build(*CODES[code], backbone=("backbone=mlp", "backbone.hidden=[12,9]"))
    x, seen, tops = images(), [], [1.0]
    layers = [module for module in method.backbone.modules() if isinstance(module, nn.Linear)]
    for layer in layers:
        nn.init.uniform_(layer.weight, -0.3, 0.45)
        nn.init.uniform_(layer.bias, -0.1, 0.1)
    values = x.flatten(1)
    for layer in layers[:2]:
        values = (values @ layer.weight.T + layer.bias).relu()
        tops.append(values.max().float().double())  # scales are found in float32
    w = [layer.weight * top / after for layer, top, after in zip(layers, tops, [*tops[1:], 1.0], strict=True)]
    b = [layer.bias / after for layer, after in zip(layers, [*tops[1:], 1.0], strict=True)]
    method.convert(lambda: [x])
    method.decoding.register_forward_pre_hook(lambda decoding, given: seen.append(decoding.by_step(given[0])))
    method(x)
    further = (method.code.windows, list(method.code.kernels.values())) if BY_HAND[code] is first_spike_by_hand else ()
    wanted = BY_HAND[code](x.flatten(1), w, b, method.timesteps, *further)
    torch.testing.assert_close(torch.cat(seen), wanted, rtol=1e-9, atol=1e-9)
    assert wanted[-1].std() > 0.1


@pytest.mark.parametrize("code", CODES)
def test_a_second_test_gives_the_same(code):
    """Also after another batch and with other calibration images in between, and for a sample alone."""
    method = build(*CODES[code])
    first, _ = measured(method, images())
    measured(method, images(4, seed=5))
    assert torch.equal(measured(method, images())[0], first)
    with torch.no_grad():
        torch.testing.assert_close(method(images()[2:3]), first[2:3])


@pytest.mark.parametrize("code", CODES)
def test_pieces_do_not_matter(code):
    common = [*CODES[code], "metric=[anytime,firing_rate,spikes_per_neuron]"]
    (scores, curves), *others = (measured(build(*common, f"method.piece={size}"), images()) for size in (96, 7))
    for other_scores, other_curves in others:
        torch.testing.assert_close(other_scores, scores)
        assert other_curves.keys() == curves.keys()
        for curve, table in curves.items():
            for place, values in table.items():
                torch.testing.assert_close(other_curves[curve][place], values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("code", "bound"), [("rate", 0.1), ("phase", 0.05), ("burst", 0.15), ("t2fsnn", 0.2), ("park", 1e-12)])
@torch.no_grad()
def test_scores_approach_those_of_the_trained_network(code, bound):
    """In float64; the network that was trained with the kernels is read out without a gap."""
    steps = {"rate": 2000, "phase": 400, "burst": 2000}.get(code)
    method = build(*CODES[code], *([f"timesteps={steps}"] if steps else []))
    wanted = method(images())
    method.convert(lambda: [images()])
    assert (method(images()) - wanted).abs().max() <= bound * wanted.abs().max()
    assert wanted.abs().max() > 0.1


@pytest.mark.parametrize("options", [["method.percentile=99", "method.per_channel=true"], ["method.activation=clipped"]])
@pytest.mark.parametrize("code", ["phase", "burst", "t2fsnn"])
@torch.no_grad()
def test_scales_of_channels_and_learned_ceilings_go_with_any_code(code, options):
    """They are those of the rate code, whose scores the others approach."""
    found = {}
    for name in ("rate", code):
        words = [*CODES[name], *options, "method.ceiling=2.0", "method.levels=null"]
        method = build(*words, *([] if name == "t2fsnn" else ["timesteps=2000"]))
        method.convert(lambda: [images()])
        found[name] = method(images())
    assert (found["rate"] - found[code]).abs().max() < 0.2 * found["rate"].abs().max()


@torch.no_grad()
def test_tuning_does_not_depend_on_scales():
    """A network whose layers are all scaled by a factor has the same kernels."""
    first, second = build(*CODES["t2fsnn"]), build(*CODES["t2fsnn"])
    for module in second.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.mul_(4.0)  # exact in float32, too
            module.bias.mul_(4.0)
            break
    for method in (first, second):
        method.convert(lambda: [images()])
    (*_, one), (*_, two) = (list(method.code.kernels.items())[:2] for method in (first, second))
    assert one[0] == two[0] == "stages.sn1"
    assert one[1] == pytest.approx(two[1], rel=1e-4)
    assert one[1] != first.code.start_kernel


@torch.no_grad()
def test_the_delay_of_the_input_is_not_tuned():
    method = build(*CODES["t2fsnn"])
    method.convert(lambda: [images()])
    assert method.code.kernels[None][1] == 0
    assert method.code.kernels[None][0] != method.code.start_kernel[0]
    assert all(delay < 0 for name, (_, delay) in method.code.kernels.items() if name is not None)


@pytest.mark.parametrize("code", ["phase", "burst"])
@torch.no_grad()
def test_residual_networks_are_read_out_by_codes_without_windows(code):
    backbone = ("backbone=resnet", "backbone.stem=cifar", "budget.width=0.1")
    method = build(f"method.code={code}", "timesteps=800", "method.piece=100", backbone=backbone)
    wanted = method(images())
    method.convert(lambda: [images()])
    assert (method(images()) - wanted).abs().max() < 0.2 * wanted.abs().max()


@torch.no_grad()
def test_spikes_are_counted_as_spikes():
    """A spike is one addition for each weight that reads it, whatever it is worth; only a burst sends multiples."""
    for code in CODES:
        method = build(*CODES[code], "metric=[energy,anytime,firing_rate]")
        _, curves = measured(method, images())
        assert all(float(v.min()) >= 0 and float(v.max()) <= 1 for v in curves["firing_rate"].values())
        found = method.recorder.scalars()
        assert found["test/anytime_synops"] == pytest.approx(found["test/energy_synops"])
        assert (found["test/energy_macs"] > 0) == (code == "rate")  # the image itself is the input of the rate code alone
        most = {"phase": 96, "burst": 96, "rate": 96}.get(code, 1)
        neurons = 6 * 64 + 8 * 16
        assert 0 < found["test/anytime_spikes"] <= most * neurons


REFUSED = [
    (["method.code=morse"], "Conversion: code must be one of rate, phase, burst, t2fsnn, park; got morse"),
    (["method.code=phase", "method.input=poisson"], "code=phase must go with input=current; got poisson; only code=rate has"),
    (
        ["method.code=burst", "method.normalise=threshold", "method.bias_calibration=false", "method.initial=0.5"],
        "code=burst must go with normalise=weight, initial=0.0; got threshold, 0.5; only code=rate has firing rates",
    ),
    (["method.code=t2fsnn", "method.scales=spikes"], "code=t2fsnn must go with scales=activations; got spikes"),
    (["method.code=t2fsnn"], r"timesteps must be 240 with code=t2fsnn, which is 2 \* start \+ duration for 3 layers; got 100"),
    (["method.code=t2fsnn", "method.start=90"], "start must be from 1 to duration=80, so that windows have no gap; got 90"),
    (["method.code=t2fsnn", "method.tuning=-1"], "Conversion: tuning must be at least 0; got -1"),
    (["method.code=park"], "Conversion: activation must be kernel with code=park; got relu"),
    (["method.activation=kernel"], "Conversion: activation must be relu or clipped with code=rate; got kernel"),
    (
        ["method.code=park", "method.activation=kernel", "method.percentile=99"],
        "code=park must go with percentile=null, per_channel=false and scale_factor=1, since its kernels are learned; got 99",
    ),
    (["method.activation=kernel", "method.code=park", "method.ceiling=0"], "TemporalKernel: ceiling must be positive; got 0"),
    (["method.code=phase", "metric=[conversion_error]"], "metric must not compare firing rates, .*; got conversion_error"),
    (
        ["method.code=burst", "backbone=vgg", "backbone.pool=max"],
        "got MaxPool in features.pool1.0; use average pooling",
    ),
    (
        ["method.code=t2fsnn", "backbone=resnet", "backbone.stem=cifar"],
        "must have one layer after another with code=t2fsnn, .* which is a branch; use backbone=vgg, scnn or convnet, or code=",
    ),
]


@pytest.mark.parametrize(
    ("overrides", "message"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_what_a_code_cannot_take_is_refused_before_training(overrides, message):
    class Large:
        shape, classes = (1, 32, 32), 10

    with pytest.raises(Exception, match=message) as caught:
        build_method(composed("method=conversion", "timesteps=100", *overrides).config, Large())
    assert "\n" not in str(caught.value).split("Conversion: ")[-1].split("\nfull_key")[0]


def test_an_image_that_is_added_to_spikes_has_no_phase():
    method = build(*CODES["phase"])
    links = {"conv1": Link(None, "sn1"), "conv2": Link("sn1", "sn2"), "skip": Link(None, "sn2"), "out": Link("sn2", None)}
    with pytest.raises(ValueError, match=r"not add the image to what layers send with code=phase, .*; got skip; use code=rate"):
        method.code.require_fitting(links, 96)
    build(*CODES["burst"]).code.require_fitting(links, 96)


def test_a_kernel_has_a_window():
    with pytest.raises(ValueError, match="TemporalKernel: duration must be at least 1; got 0"):
        TemporalKernel(duration=0, ceiling=1.0)


def test_images_must_be_in_range():
    method = build(*CODES["phase"])
    with pytest.raises(ValueError, match=r"Presented: x must be in \[0, 1\]; got .*; set dataset.normalize=false"):
        method.encoding(images() * 3 - 1)


def test_a_tuned_time_constant_must_stay_positive():
    method = build("method.code=t2fsnn", "method.start=2", "method.duration=2", "timesteps=6", "method.tuning=48")
    with pytest.raises(ValueError, match=r"time constant of .* must stay above 0 with code=t2fsnn; got -.*; use a longer"):
        method.convert(lambda: [images()])


def test_a_learned_time_constant_must_stay_positive():
    method = build(*CODES["park"])
    with torch.no_grad():
        next(m for m in method.backbone.modules() if isinstance(m, TemporalKernel)).time_constant.fill_(-1.0)
    with pytest.raises(
        ValueError, match=r"the time constant of stages\.sn1 must stay above 0 with code=park; got -1; .* lower optimizer.lr"
    ):
        method.convert(lambda: [images()])

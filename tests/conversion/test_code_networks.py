"""Networks in every code: against a transcription of their rules, in pieces, tested again, and beside the trained network."""

from math import exp

import pytest
import torch
from coded import CODES, build, images, measured
from torch import nn


def phase_by_hand(x, w, b, steps):
    """The scores after each step, by our rule (see `Phase`), with values as spikes."""
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
    """The same by our rule of `Burst`."""
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
    """The same by the rule of `FirstSpike`, with the kernels that the conversion found."""
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

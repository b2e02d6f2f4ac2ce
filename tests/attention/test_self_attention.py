"""Spiking attention: it equals plain loops in either order of the products, and rejects wrong arguments."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from composing import composed
from hypothesis import given, settings
from hypothesis import strategies as st
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from snnx.attention.nsad import NSAD
from snnx.attention.self_attention import SelfAttention, attend
from snnx.compose.check import check
from snnx.neuron.if_ import IF
from snnx.neuron.ilif import ILIF
from snnx.neuron.lif import LIF
from snnx.neuron.psn import PSN


def binary(*shape):
    return (torch.rand(shape) < 0.4).float()


@settings(max_examples=25)
@given(tokens=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 99))
def test_both_orders_are_equal(tokens, width, seed):
    """Values are equal exactly, since float32 holds sums of integers below 2^24; gradients are not integers, so within 1e-5."""
    torch.manual_seed(seed)
    one = [binary(2, 3, tokens, width).requires_grad_() for _ in range(3)]
    two = [x.detach().clone().requires_grad_() for x in one]
    y, other = attend(*one), (two[0] @ two[1].transpose(-2, -1)) @ two[2]
    assert torch.equal(y, other)
    weight = torch.randn(y.shape)
    (y * weight).sum().backward()
    (other * weight).sum().backward()
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("tokens", "width", "largest"), [(64, 8, 8 * 8), (8, 64, 8 * 8)])
def test_the_cheaper_order_is_used(tokens, width, largest):
    """The intermediate result is the smaller of width x width and tokens x tokens."""
    sizes = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            if func is torch.ops.aten.bmm.default:
                sizes.append(out[0].numel())
            return out

    with Watch():
        attend(*(binary(1, tokens, width) for _ in range(3)))
    assert sizes == [largest, tokens * width]


def test_equals_loops_over_steps_samples_and_heads():
    torch.manual_seed(0)
    layer = SelfAttention(12, 3, IF).eval()
    with torch.no_grad():
        for projection in (layer.q, layer.k, layer.v, layer.proj):
            projection.fc.weight.mul_(8)
    x = torch.randint(3, (4, 2, 5, 12)).float()
    seen = {}
    for name in ("q", "k", "v"):
        getattr(layer, f"{name}_sn").register_forward_hook(lambda *a, name=name: seen.update({name: a[2].detach()}))
    layer.attention_sn.register_forward_pre_hook(lambda _, given: seen.update(y=given[0].detach()))
    layer(x)
    expected = torch.zeros(4, 2, 5, 12)
    for t in range(4):
        for b in range(2):
            for head in range(3):
                part = slice(4 * head, 4 * head + 4)
                q, k, v = (seen[name][t, b, :, part] for name in ("q", "k", "v"))
                expected[t, b, :, part] = 0.125 * (q @ k.T) @ v
    assert expected.sum() > 1
    assert torch.equal(seen["y"], expected)


def test_the_probe_gets_the_scores_of_each_step_and_head():
    torch.manual_seed(0)
    layer, shown = SelfAttention(8, 2, IF, denoiser=NSAD), []
    layer.probe = lambda *scores: shown.append(scores)
    layer(3 * torch.rand(4, 3, 5, 8))
    ((before, after),) = shown
    assert before.shape == after.shape == (4, 3, 2, 5, 5)
    assert torch.equal(after, torch.where(before < 2, 0, before))


@pytest.mark.parametrize("denoiser", [None, NSAD])
def test_a_probe_does_not_change_the_output(denoiser):
    torch.manual_seed(0)
    layer, x = SelfAttention(8, 2, IF, denoiser=denoiser).eval(), 3 * torch.rand(4, 3, 5, 8)
    plain = layer(x)
    functional.reset_net(layer)
    layer.probe = lambda *_: None
    assert torch.equal(layer(x), plain)


@pytest.mark.parametrize("neuron", [LIF, lambda: LIFNode(step_mode="m")], ids=["snnx", "SpikingJelly"])
def test_the_neuron_after_the_product_has_its_own_threshold(neuron):
    """It is 0.5, and the neuron uses it: a current of 1.2 charges a LIF of tau 2 to 0.6."""
    layer = SelfAttention(8, 2, neuron)
    others = {name: m.v_threshold for name, m in layer.named_modules() if hasattr(m, "v_threshold")}
    assert others == {"q_sn": 1.0, "k_sn": 1.0, "v_sn": 1.0, "attention_sn": 0.5, "proj_sn": 1.0}
    x = torch.full((1, 1, 1, 8), 1.2)
    assert (layer.attention_sn(x).sum(), layer.proj_sn(x).sum()) == (8, 0)


def test_scores_are_exact_in_bfloat16():
    torch.manual_seed(0)
    layer, x = SelfAttention(64, 2, IF, denoiser=NSAD).eval(), 3 * torch.rand(2, 1, 5, 64)
    shown = []
    layer.probe = lambda *scores: shown.append(scores)
    with torch.autocast("cpu", torch.bfloat16):
        layer(x)
    before, after = (values.float() for values in shown[0])
    assert torch.equal(before, before.round())
    assert torch.equal(after, torch.where(before < 2, 0, before))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SelfAttention(10, 3, nn.ReLU), "SelfAttention: heads must divide the width of 10; got 3"),
        (lambda: SelfAttention(8, 2, nn.ReLU, v_threshold=0), "SelfAttention: v_threshold must be positive; got 0"),
    ],
)
def test_wrong_arguments_are_rejected(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_denoiser_needs_binary_queries_keys_and_values():
    torch.manual_seed(0)
    layer, x = SelfAttention(8, 2, ILIF, denoiser=NSAD), 9 * torch.rand(2, 2, 4, 8)
    with pytest.raises(ValueError, match=r"q must be 0 or 1 .*; got values from 0 to \d; use a spiking neuron"):
        layer(x)


SPIKFORMER = (
    "backbone=spikformer", "backbone.embed_dim=32", "backbone.heads=2", "backbone.depth=1", "backbone.pools=1", "timesteps=4",
)  # fmt: skip


@pytest.mark.parametrize(
    ("word", "got"),
    [("neuron=relu", "ReLU"), ("method=conversion", "ReLU"), ("method=tandem", "Replaceable")],
)
def test_a_denoiser_without_spikes_is_rejected_before_training(word, got):
    message = (
        "^SelfAttention: neuron must fire spikes, because the denoiser's table has integer scores only; "
        rf"got {got}; use a spiking neuron and method=direct, or leave out attention=nsad \[.*\]$"
    )
    with pytest.raises(ValueError, match=message):
        check(composed(*SPIKFORMER, "attention=[nsad]", word))


def test_a_network_with_a_denoiser_is_checked_without_memory():
    """The check runs it on the meta device, whose tensors have no values, for the steps of the first epochs."""
    check(composed(*SPIKFORMER, "attention=[nsad]", "method.early={timesteps: 2, epochs: 0.5}"))


def test_a_parallel_neuron_starts_from_the_threshold_after_the_product():
    layer = SelfAttention(8, 2, partial(PSN, timesteps=1))
    assert layer.attention_sn.bias.flatten().tolist() == [-0.5]
    assert layer.proj_sn.bias.flatten().tolist() == [-1.0]
    check(composed(*SPIKFORMER, "neuron=psn", "norm=tdbn"))


def test_a_neuron_without_a_threshold_is_rejected_before_training():
    message = (
        "^SelfAttention: neuron must have a threshold, which the layer after the attention sets to 0.5; "
        r"got SlidingPSN, which has no v_threshold; choose another neuron or backbone \[.*\]$"
    )
    job = composed(*SPIKFORMER)
    sliding = {"_target_": "spikingjelly.activation_based.neuron.SlidingPSN", "_partial_": True, "k": 2, "step_mode": "m"}
    with pytest.raises(ValueError, match=message):
        check(replace(job, row="sliding", config={**job.config, "neuron": sliding}))

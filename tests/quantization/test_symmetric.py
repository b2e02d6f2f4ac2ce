"""Weights of few bits: how they are rounded, that they are restored, and a run that is tested with them."""

from dataclasses import replace

import pytest
import torch
from composing import composed
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.compose.check import check
from snnx.quantization.symmetric import Symmetric, symmetric
from snnx.run.execute import execute


@settings(max_examples=50)
@given(st.integers(0, 2**31), st.integers(2, 8))
def test_weights_are_rounded_to_the_nearest_level(seed, bits):
    weight = torch.randn(7, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = symmetric(weight, bits)
    step = weight.abs().max() / (2 ** (bits - 1) - 1)
    assert (found - weight).abs().max() <= step / 2 + 1e-12
    assert len(found.unique()) <= 2**bits - 1
    assert torch.allclose((found / step).round() * step, found, atol=1e-12)
    assert torch.equal(symmetric(-weight, bits), -found)
    assert torch.equal(symmetric(torch.zeros(3), bits), torch.zeros(3))


def test_biases_and_norms_keep_their_values():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(5, 2))
    before = {name: p.clone() for name, p in net.named_parameters()}
    with Symmetric(bits=[2]).applied(net, 2):
        changed = {name for name, p in net.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"0.weight", "2.weight"}
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())


def test_a_run_is_tested_again_with_each_number_of_bits(tmp_path):
    line = ["timesteps=4", "trainer.max_epochs=3", "trainer.accelerator=cpu", "init=kaiming"]
    plain = execute(replace(composed(*line), outputs=str(tmp_path / "a")))["metrics"]
    both = execute(replace(composed(*line, "quantization=symmetric", "quantization.bits=[8,2]"), outputs=str(tmp_path / "b")))
    metrics = both["metrics"]
    assert {key: metrics[key] for key in plain} == plain, "the metrics without rounding have changed"
    assert abs(metrics["test/loss_8bit"] - metrics["test/loss"]) < 0.05 < abs(metrics["test/loss_2bit"] - metrics["test/loss"])
    assert metrics["test/firing_rate_2bit"] != metrics["test/firing_rate"]


@pytest.mark.parametrize("bits", [[], [1], [4, 0], [4.5], [4.0], [True]])
def test_wrong_bits_are_rejected(bits):
    with pytest.raises(ValueError, match="Symmetric: bits must be a list of integers >= 2; got"):
        Symmetric(bits=bits)


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        ("[1]", r"^Symmetric: bits must be a list of integers >= 2; got \[1\] \["),
        ("[4.5]", r"^quantization.bits must be of type list\[int\]; got \[4.5\] \["),
        ("4", r"^quantization.bits must be of type list\[int\]; got 4 \["),
    ],
)
def test_wrong_bits_are_rejected_before_training(bits, message):
    with pytest.raises(ValueError, match=message):
        check(composed("quantization=symmetric", f"quantization.bits={bits}"))

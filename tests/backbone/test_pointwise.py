"""Pointwise gives the numbers of a linear layer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from snnx.layer.pointwise import Pointwise


@settings(max_examples=20)
@given(n=st.integers(1, 5), tokens=st.integers(1, 9), n_in=st.integers(1, 20), n_out=st.integers(1, 20), bias=st.booleans())
def test_equals_a_linear_layer(n, tokens, n_in, n_out, bias):
    """The two add up to 180 products of numbers in [0, 1], in a different order."""
    torch.manual_seed(0)
    layer, x = Pointwise(n_in, n_out, bias=bias), torch.rand(n, tokens, n_in, requires_grad=True)
    weight = torch.rand(n, tokens, n_out)
    y, expected = layer(x), F.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)
    ours = torch.autograd.grad((y * weight).sum(), [x, *layer.parameters()])
    theirs = torch.autograd.grad((expected * weight).sum(), [x, *layer.parameters()])
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_use_torchs_linear_layer(dtype):
    layer, x = Pointwise(6, 4).to(dtype), torch.rand(2, 3, 6).to(dtype)
    assert torch.equal(layer(x), F.linear(x, layer.weight, layer.bias))


def test_hooks_and_autocast_see_a_linear_layer():
    layer, seen = Pointwise(6, 4), []
    layer.register_forward_pre_hook(lambda module, given: seen.append(given[0].shape))
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(torch.rand(2, 3, 6))
    assert isinstance(layer, nn.Linear)
    assert (seen, y.dtype, y.shape) == ([(2, 3, 6)], torch.bfloat16, (2, 3, 4))

"""The quantised ReLU equals a rounded clamp, learns its bound, and takes no more values than its bits."""

import pytest
import torch

from snnx.neuron.relu_quantised import QuantisedReLU


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_it_rounds_a_clamp_to_the_values_of_its_bits(bits):
    layer = QuantisedReLU(bits=bits, ceiling=2.0).double()
    x = torch.linspace(-1, 3, 4001, dtype=torch.float64, requires_grad=True)
    y, step = layer(x), 2.0 / (2**bits - 1)
    exact = x.detach().clamp(0, 2)
    assert len(y.unique()) == 2**bits
    assert (y - exact).abs().max() <= step / 2 + 1e-12
    torch.testing.assert_close((y / step).round() * step, y)
    y.sum().backward()
    inside = (x.detach() > 0) & (x.detach() < 2)
    assert torch.equal(x.grad[inside], torch.ones_like(x.grad[inside]))  # of the clamp, as if nothing was rounded
    assert not x.grad[~inside & (x.detach() != 0) & (x.detach() != 2)].any()
    assert layer.ceiling.grad != 0


@pytest.mark.parametrize("bits", [0, 17])
def test_bits_out_of_range_are_refused(bits):
    with pytest.raises(ValueError, match=rf"^QuantisedReLU: bits must be from 1 to 16; got {bits}$"):
        QuantisedReLU(bits=bits)


def test_a_ceiling_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match=r"^QuantisedReLU: ceiling must be positive; got 0$"):
        QuantisedReLU(ceiling=0)

"""The contracts of surrogates: surrogates with one mistake each do not fulfil them."""

import pytest
import torch

from snnx.testing import surrogate


def slope(of):
    """A surrogate with a slope of `of(x)`."""

    class Sloped(torch.autograd.Function):
        @staticmethod
        def forward(context, x):
            context.save_for_backward(x)
            return (x >= 0).to(x)

        @staticmethod
        def backward(context, gradient):
            return gradient * of(*context.saved_tensors)

    def sloped(x):
        return Sloped.apply(x)

    return lambda: sloped


def above(x):
    return (x > 0).to(x) + 0 * x


def single(x):
    return (x >= 0).float()


WRONG = [
    (surrogate.step, lambda: torch.sigmoid, r"^sigmoid: must return 1 if x >= 0, else 0; got another value for x = \[-5.0\]$"),
    (surrogate.step, lambda: above, r"^above: must return 1 if x >= 0, else 0; got another value for x = \[0.0\]$"),
    (
        surrogate.step,
        lambda: single,
        "^single: must return spikes of the dtype of its input, torch.float64; got torch.float32$",
    ),
    (surrogate.slope, slope(lambda x: 1 / x), "^sloped: must have a finite slope; got inf or nan$"),
    (surrogate.slope, slope(lambda x: 1 - x.abs()), "^sloped: must have no negative slope; got -4$"),
    (surrogate.slope, slope(torch.zeros_like), "^sloped: must have a positive slope at the threshold; got 0$"),
    (surrogate.slope, slope(lambda x: 1 + x.abs()), "^sloped: must have its largest slope near the threshold; got 6 far"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_surrogate_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(surrogate.CONTRACTS)

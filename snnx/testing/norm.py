"""Contracts that every norm must fulfil; any project's tests can call them."""

import torch
from torch import Tensor, nn

from snnx.norm.norm import MakesNorm
from snnx.testing.close import close
from snnx.testing.must import must

STEPS, SAMPLES, CHANNELS = 4, 5, 3
SHAPES = ((STEPS, SAMPLES, CHANNELS, 5, 6), (STEPS, SAMPLES, CHANNELS))
"""Shapes of the inputs: feature maps of a convolution, and outputs of a linear layer."""


def shape(make: MakesNorm) -> None:
    """The output has the shape of the input and is finite, and the input and every parameter get a finite gradient.

    Args:
        make: builds the norm as a backbone does, called with `channels`, `v_threshold` and `meets_sum`. For a norm that needs
            `timesteps`, use `functools.partial(MyNorm, timesteps=4)`.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the norm must do.

    Example:
        >>> from snnx.norm.batch import Batch
        >>> for contract in CONTRACTS:
        ...     contract(Batch)
    """
    for norm, x in _cases(make):
        x = x.requires_grad_()
        y = norm(x)
        must(y.shape == x.shape, norm, f"keep the shape of its input, {list(x.shape)}; got {list(y.shape)}")
        must(bool(y.isfinite().all()), norm, "return finite values; got inf or nan")
        y.square().sum().backward()
        for name, tensor in {"its input": x, **dict(norm.named_parameters())}.items():
            must(tensor.grad is not None, norm, f"pass a gradient to {name}; got none")
            must(bool(tensor.grad.isfinite().all()), norm, f"pass a finite gradient to {name}; got inf or nan")


def batch_of_one(make: MakesNorm) -> None:
    """In evaluation, a sample is normalised in the same way alone and in a batch.

    Args:
        make: see `shape`.
    """
    for norm, x in _in_evaluation(make):
        whole = norm(x)
        for sample in range(SAMPLES):
            same = close(norm(x[:, sample : sample + 1]), whole[:, sample : sample + 1])
            must(same, norm, "normalise a sample in the same way alone and in a batch, in evaluation; got different values")


def order_of_samples(make: MakesNorm) -> None:
    """In evaluation, the output of a sample does not depend on its position in the batch.

    Args:
        make: see `shape`.
    """
    for norm, x in _in_evaluation(make):
        same = close(norm(x.flip(1)), norm(x).flip(1))
        must(same, norm, "not depend on the order of samples in a batch, in evaluation; got different values")


def causality(make: MakesNorm) -> None:
    """In evaluation, the output at a time step does not depend on later steps.

    A norm that says so in its attribute `reads_later_steps`, such as TA, is exempt; metrics of answers before the last step
    refuse it.

    Args:
        make: see `shape`.
    """
    for norm, x in _in_evaluation(make):
        if getattr(norm, "reads_later_steps", False):
            return
        later = torch.cat([x[:2], x[2:] + 1])
        same = close(norm(later)[:2], norm(x)[:2])
        must(same, norm, "not depend on later time steps, in evaluation; got different values")


def frozen(make: MakesNorm) -> None:
    """Evaluation does not change statistics or parameters.

    Args:
        make: see `shape`.
    """
    for norm, x in _in_evaluation(make):
        before = {name: value.clone() for name, value in norm.state_dict().items()}
        norm(x + 1)
        for name, value in norm.state_dict().items():
            must(torch.equal(value, before[name]), norm, f"not change {name} in evaluation; got another value")


CONTRACTS = (shape, batch_of_one, order_of_samples, causality, frozen)
"""All contracts, for `pytest.mark.parametrize`."""


def _cases(make: MakesNorm) -> list[tuple[nn.Module, Tensor]]:
    draw = torch.Generator().manual_seed(0)
    return [
        (_made(make, meets_sum), 2 * torch.randn(shape, generator=draw) + 1) for shape in SHAPES for meets_sum in (False, True)
    ]


def _made(make: MakesNorm, meets_sum: bool) -> nn.Module:
    try:
        return make(CHANNELS, v_threshold=0.7, meets_sum=meets_sum)
    except TypeError as error:
        must(False, make, f"take channels, v_threshold and meets_sum, with which a backbone builds it; got TypeError: {error}")


def _in_evaluation(make: MakesNorm) -> list[tuple[nn.Module, Tensor]]:
    """Norms in evaluation mode that have seen one batch in training, each with an input."""
    cases = _cases(make)
    for norm, x in cases:
        norm(x)
        norm.eval()
    return cases

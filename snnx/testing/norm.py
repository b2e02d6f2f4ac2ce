"""What every norm must hold, as functions that anybody's tests can call."""

import torch
from torch import Tensor, nn

from snnx.norm.norm import MakesNorm

STEPS, SAMPLES, CHANNELS = 4, 5, 3
SHAPES = ((STEPS, SAMPLES, CHANNELS, 5, 6), (STEPS, SAMPLES, CHANNELS))
"""Of the maps of a convolution, and of tokens or the outputs of a linear layer."""


def shape(make: MakesNorm) -> None:
    """The shape stays, values are finite, and a finite gradient reaches the input and every parameter.

    Args:
        make: builds the norm as a backbone does, from `channels`, `v_threshold` and `meets_sum`; one that needs `timesteps` is
            given 4. The others take the same.

    Raises:
        AssertionError: one line that says what must hold; so do all contracts.

    Example:
        >>> from snnx.norm.batch import Batch
        >>> for contract in CONTRACTS:
        ...     contract(Batch)
    """
    for norm, x in _cases(make):
        x = x.requires_grad_()
        y = norm(x)
        _must(y.shape == x.shape, norm, f"keep the shape of its input, {list(x.shape)}; got {list(y.shape)}")
        _must(bool(y.isfinite().all()), norm, "give finite values; got inf or nan")
        y.square().sum().backward()
        for name, one in {"its input": x, **dict(norm.named_parameters())}.items():
            _must(one.grad is not None, norm, f"pass a gradient to {name}; got none")
            _must(bool(one.grad.isfinite().all()), norm, f"pass a finite gradient to {name}; got inf or nan")


def batch_of_one(make: MakesNorm) -> None:
    """In a test, a sample alone is normalised as in a batch."""
    for norm, x in _tested(make):
        whole = norm(x)
        for sample in range(SAMPLES):
            same = _close(norm(x[:, sample : sample + 1]), whole[:, sample : sample + 1])
            _must(same, norm, "normalise a sample alone as in a batch, once it is tested; got other values")


def causality(make: MakesNorm) -> None:
    """In a test, later steps change nothing in earlier ones."""
    for norm, x in _tested(make):
        later = torch.cat([x[:2], x[2:] + 1])
        _must(_close(norm(later)[:2], norm(x)[:2]), norm, "not look at later steps, once it is tested; got other values")


def frozen(make: MakesNorm) -> None:
    """A test changes no statistics and no parameters."""
    for norm, x in _tested(make):
        before = {name: value.clone() for name, value in norm.state_dict().items()}
        norm(x + 1)
        for name, value in norm.state_dict().items():
            _must(torch.equal(value, before[name]), norm, f"leave {name} alone, once it is tested; got another value")


CONTRACTS = (shape, batch_of_one, causality, frozen)
"""All of them, for `pytest.mark.parametrize`."""


def _cases(make: MakesNorm) -> list[tuple[nn.Module, Tensor]]:
    draw = torch.Generator().manual_seed(0)
    return [
        (make(CHANNELS, v_threshold=0.7, meets_sum=meets_sum), 2 * torch.randn(shape, generator=draw) + 1)
        for shape in SHAPES
        for meets_sum in (False, True)
    ]


def _tested(make: MakesNorm) -> list[tuple[nn.Module, Tensor]]:
    """Norms that have seen a batch of training, with an input, as a test finds them."""
    cases = _cases(make)
    for norm, x in cases:
        norm(x)
        norm.eval()
    return cases


def _close(first: Tensor, second: Tensor) -> bool:
    return torch.allclose(first, second, rtol=1e-4, atol=1e-5)


def _must(holds: bool, norm: nn.Module, what: str) -> None:
    if not holds:
        raise AssertionError(f"{type(norm).__name__}: must {what}")

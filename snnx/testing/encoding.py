"""What every encoding of images must hold, as functions that anybody's tests can call."""

from collections.abc import Callable

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor

from snnx.encoding.encoding import Encoding

Make = Callable[[], Encoding]


def shape(make: Make) -> None:
    """Time comes first, and `out_channels` says how many channels come out, while training and while testing.

    Args:
        make: builds the encoding for a data set whose values lie in [0, 1]; the others take the same.

    Raises:
        AssertionError: one line that says what must hold; so do all contracts.

    Example:
        >>> from snnx.encoding.repeat import Repeat
        >>> for contract in CONTRACTS:
        ...     contract(lambda: Repeat(timesteps=4, in_channels=3))
    """
    for training in (True, False):
        encoding = make().train(training)
        x = _images(encoding)
        out = encoding(x)
        expected = [encoding.timesteps, len(x), encoding.out_channels]
        _must(list(out.shape[:3]) == expected, encoding, f"give [T, B, out_channels], {expected}; got {list(out.shape[:3])}")
        _must(bool(out.isfinite().all()), encoding, "give finite values; got inf or nan")


def repetition(make: Make) -> None:
    """Two evaluations see the same, and leave the generator of the training alone."""
    encoding = make().eval()
    x, before, passes = _images(encoding), torch.get_rng_state(), []
    for _ in range(2):
        encoding.begin_evaluation()
        passes.append(_from_rest(encoding, x))
    _must(torch.equal(*passes), encoding, "give the same in every evaluation after begin_evaluation(); got something else")
    left = torch.equal(before, torch.get_rng_state())
    _must(left, encoding, "leave torch's own generator alone while testing; got draws from it")


CONTRACTS = (shape, repetition)
"""All of them, for `pytest.mark.parametrize`."""


def _images(encoding: Encoding) -> Tensor:
    return torch.rand(3, encoding.in_channels, 5, 6, generator=torch.Generator().manual_seed(0))


def _from_rest(encoding: Encoding, x: Tensor) -> Tensor:
    reset_net(encoding)
    return encoding(x).detach().clone()


def _must(holds: bool, encoding: Encoding, what: str) -> None:
    if not holds:
        raise AssertionError(f"{type(encoding).__name__}: must {what}")

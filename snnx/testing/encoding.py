"""Contracts that every encoding of images must fulfil; any project's tests can call them."""

from collections.abc import Callable

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor

from snnx.encoding.encoding import Encoding
from snnx.testing.must import must

Make = Callable[[], Encoding]


def shape(make: Make) -> None:
    """The output has time first and `out_channels` channels, and is finite, in training and in evaluation.

    Args:
        make: builds the encoding, for images with values in [0, 1].

    Raises:
        AssertionError: the contract is broken; the message says in one line what the encoding must do.

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
        found = list(out.shape[:3])
        must(found == expected, encoding, f"return [T, B, out_channels, ...] = {expected}; got {found}")
        must(bool(out.isfinite().all()), encoding, "return finite values; got inf or nan")


def repetition(make: Make) -> None:
    """Two evaluations give the same output, and draw no numbers from torch's own generator.

    Args:
        make: see `shape`.
    """
    encoding = make().eval()
    x, before, passes = _images(encoding), torch.get_rng_state(), []
    for _ in range(2):
        encoding.begin_evaluation()
        passes.append(_from_rest(encoding, x))
    must(torch.equal(*passes), encoding, "return the same in every evaluation after begin_evaluation(); got different values")
    unchanged = torch.equal(before, torch.get_rng_state())
    must(unchanged, encoding, "draw no numbers from torch's own generator in evaluation; got draws from it")


CONTRACTS = (shape, repetition)
"""All contracts, for `pytest.mark.parametrize`."""


def _images(encoding: Encoding) -> Tensor:
    return torch.rand(3, encoding.in_channels, 5, 6, generator=torch.Generator().manual_seed(0))


def _from_rest(encoding: Encoding, x: Tensor) -> Tensor:
    reset_net(encoding)
    return encoding(x).detach().clone()

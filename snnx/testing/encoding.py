"""Contracts that every encoding must fulfil; any project's tests can call them."""

from collections.abc import Callable

import torch
from torch import Tensor

from snnx.encoding.encoding import Encoding
from snnx.testing.close import close
from snnx.testing.must import must
from snnx.testing.over_time import from_rest

SAMPLES = 3
Make = Callable[[], Encoding]


def shape(make: Make) -> None:
    """The output has time first and `out_channels` channels, is finite and keeps the dtype, in training and in evaluation.

    Args:
        make: builds the encoding, for images with values in [0, 1], or for event frames if its `sample_dims` is 4.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the encoding must do.

    Example:
        >>> from snnx.encoding.repeat import Repeat
        >>> for contract in CONTRACTS:
        ...     contract(lambda: Repeat(timesteps=4, in_channels=3))
    """
    for training in (True, False):
        encoding = make().train(training)
        for samples in (SAMPLES, 1):
            x = _samples(encoding)[:samples]
            out = from_rest(encoding, x)
            expected = [encoding.timesteps, len(x), encoding.out_channels]
            found = list(out.shape[:3])
            must(found == expected, encoding, f"return [T, B, out_channels, ...] = {expected}; got {found}")
            must(bool(out.isfinite().all()), encoding, "return finite values; got inf or nan")
            must(out.dtype == x.dtype, encoding, f"return the dtype of its input, {x.dtype}; got {out.dtype}")


def repetition(make: Make) -> None:
    """Two evaluations of two batches give the same output, and draw no numbers from torch's own generator.

    Args:
        make: see `shape`.
    """
    encoding = make().eval()
    x, before, passes = _samples(encoding), torch.get_rng_state(), []
    for _ in range(2):
        encoding.begin_evaluation()
        passes.append(torch.cat([from_rest(encoding, batch) for batch in (x, 1 - x[:1])], 1))
    must(torch.equal(*passes), encoding, "return the same in every evaluation after begin_evaluation(); got different values")
    unchanged = torch.equal(before, torch.get_rng_state())
    must(unchanged, encoding, "draw no numbers from torch's own generator in evaluation; got draws from it")


def batch_of_one(make: Make) -> None:
    """In evaluation, a sample is encoded in the same way alone and in a batch, whichever batch was encoded before.

    Encodings that draw random numbers by sample position, see `Encoding.next_places`, must pass too. One whose output changes
    when the same batch is encoded again is skipped.

    Args:
        make: see `shape`.
    """
    encoding = make().eval()
    x, places = _samples(encoding), torch.arange(SAMPLES)
    encoding.begin_evaluation()

    def encoded(some: Tensor, given: Tensor) -> Tensor:
        encoding.next_places(given)
        return from_rest(encoding, some)

    whole = encoded(x, places)
    if not torch.equal(encoded(x, places), whole):
        return
    for sample in range(SAMPLES):
        encoded(1 - x, places)
        same = close(encoded(x[sample : sample + 1], places[sample : sample + 1]), whole[:, sample : sample + 1])
        must(same, encoding, "encode a sample in the same way alone and in a batch; got different values")


CONTRACTS = (shape, repetition, batch_of_one)
"""All contracts, for `pytest.mark.parametrize`."""


def _samples(encoding: Encoding) -> Tensor:
    frames = [encoding.timesteps] if encoding.sample_dims == 4 else []
    draw = torch.Generator().manual_seed(0)
    return torch.rand(SAMPLES, *frames, encoding.in_channels, 5, 6, generator=draw)

"""The statistics of a norm that a kernel computes are those of torch, to the last bit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnx.neuron.kernel.statistics import TOGETHER, fits, statistics

SIDES = st.integers(1, 9)


@settings(max_examples=200, deadline=None)
@given(
    samples=SIDES,
    channels=st.integers(1, 3 * TOGETHER),
    height=SIDES,
    width=SIDES,
    momentum=st.sampled_from([0.1, 0.9, 1.0, 0.013, 0.0]),
    scale=st.sampled_from([1e-3, 1.0, 30.0]),
    mean=st.sampled_from([0.0, 1.0, -200.0]),
    tracked=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_they_equal_torch_s(samples, channels, height, width, momentum, scale, mean, tracked, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, channels, height, width, generator=generator) * scale + mean
    if x[:, 0].numel() < 2:  # torch divides the running variance by n - 1
        return
    running = (
        (torch.randn(channels, generator=generator), torch.rand(channels, generator=generator)) if tracked else (None, None)
    )
    ours, theirs = ([None if value is None else value.clone() for value in running] for _ in range(2))
    found = statistics(x, *ours, momentum)
    expected = torch.ops.aten.batch_norm_update_stats(x, *theirs, momentum)
    for one, other in zip((*found, *ours), (*expected, *theirs), strict=True):
        assert (one is None and other is None) or torch.equal(one, other)


@pytest.mark.parametrize("threads", [1, 2])
def test_they_do_not_depend_on_the_number_of_threads(threads):
    before = torch.get_num_threads()
    x = torch.randn(16, 4 * TOGETHER + 3, 12, 12, generator=torch.Generator().manual_seed(0))
    torch.set_num_threads(threads)
    try:
        found = statistics(x, None, None, 0.1)
    finally:
        torch.set_num_threads(before)
    expected = torch.ops.aten.batch_norm_update_stats(x, None, None, 0.1)
    assert all(map(torch.equal, found, expected))


def test_values_that_are_not_finite_stay_in_their_channel():
    x = torch.randn(3, 20, 4, 4, generator=torch.Generator().manual_seed(0))
    x[1, 5, 2, 2], x[0, 17, 0, 0] = float("nan"), float("inf")
    mean, var = statistics(x, None, None, 0.1)
    expected = torch.ops.aten.batch_norm_update_stats(x, None, None, 0.1)
    assert torch.equal(mean.isfinite(), expected[0].isfinite())
    clean = [channel for channel in range(20) if channel not in (5, 17)]
    assert torch.equal(mean[clean], expected[0][clean])
    assert torch.equal(var[clean], expected[1][clean])


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(2, 3, 4, 4, dtype=torch.bfloat16),
        torch.zeros(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
        torch.zeros(2, 3, 1, 1),
        torch.zeros(2, 3),
        torch.zeros(0, 3, 4, 4),
    ],
    ids=["bfloat16", "channels_last", "one pixel", "tokens", "empty"],
)
def test_torch_computes_the_others_itself(x):
    assert not fits(x)

"""A spike train has one spike at its time, and none for a time that is not a step."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from snnx.encoding.spike_at import spike_at


@given(times=st.lists(st.integers(-3, 12), min_size=1, max_size=20), timesteps=st.integers(1, 10))
def test_one_spike_at_its_time_or_none(times, timesteps):
    train = spike_at(torch.tensor(times, dtype=torch.float32), timesteps)
    assert train.shape == (timesteps, len(times))
    for column, time in zip(train.T.tolist(), times, strict=True):
        assert column == [float(step == time) for step in range(timesteps)]


def test_infinity_and_nan_give_no_spike():
    assert spike_at(torch.tensor([float("inf"), float("nan"), 0.5]), 4).sum() == 0

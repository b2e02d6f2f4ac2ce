"""The three latency codes: equal to SpikingJelly's LatencyEncoder or to integer arithmetic, and properties."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spikingjelly.activation_based.encoding import LatencyEncoder

from snnx.encoding.latency_inverse import LatencyInverse
from snnx.encoding.latency_linear import LatencyLinear
from snnx.encoding.latency_log import LatencyLog

PIXELS = torch.arange(256.0).view(1, 1, 16, 16) / 255
CODES = [LatencyLinear, LatencyInverse, LatencyLog]


@pytest.mark.parametrize(("code", "name"), [(LatencyLinear, "linear"), (LatencyLog, "log")])
@pytest.mark.parametrize("timesteps", [2, 4, 8, 10, 16, 32])
def test_equals_spikingjelly_if_all_pixels_may_fire(code, name, timesteps):
    ours = code(timesteps=timesteps, in_channels=1, silent_value=None)(PIXELS)
    assert torch.equal(ours, LatencyEncoder(timesteps, name).single_step_encode(PIXELS))


@pytest.mark.parametrize("timesteps", [1, 4, 10, 300])
def test_inverse_equals_integer_arithmetic(timesteps):
    spikes = LatencyInverse(timesteps=timesteps, in_channels=1, silent_value=None)(PIXELS).flatten(1)
    for level in range(256):
        time = -(-255 // level) - 1 if level else timesteps
        expected = [float(step == time) for step in range(timesteps)]
        assert spikes[:, level].tolist() == expected


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("silent_value", "dark", "bright"), [(0, 0, 1), (1, 1, 0), (None, 1, 1)])
def test_silent_value(code, silent_value, dark, bright):
    if code is LatencyInverse:
        dark = 0  # 1/0 is later than every step
    spikes = code(timesteps=6, in_channels=2, silent_value=silent_value)(torch.tensor([0.0, 1.0]).view(1, 2, 1, 1))
    assert spikes.sum(0).flatten().tolist() == [dark, bright]


@pytest.mark.parametrize("code", CODES)
@given(x=st.lists(st.floats(0, 1, width=32), min_size=2, max_size=20), timesteps=st.integers(1, 200))
def test_at_most_one_spike_and_brighter_is_not_later(code, x, timesteps):
    spikes = code(timesteps=timesteps, in_channels=1, silent_value=None)(torch.tensor(sorted(x)).view(1, 1, 1, -1))
    spikes = spikes.flatten(1)
    assert ((spikes == 0) | (spikes == 1)).all()
    assert (spikes.sum(0) <= 1).all()
    fired = spikes.sum(0) == 1
    times = torch.where(fired, spikes.argmax(0), timesteps)
    assert (times.diff() <= 0).all()
    assert fired.all() or code is LatencyInverse


@pytest.mark.parametrize("code", CODES)
def test_another_silent_value_is_rejected(code):
    with pytest.raises(ValueError, match=rf"{code.__name__}: silent_value must be 0, 1 or null; got 0.5"):
        code(timesteps=4, in_channels=1, silent_value=0.5)

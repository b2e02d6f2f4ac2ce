"""Frames pass unchanged with time first, and anything but T frames is rejected."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnx.encoding.events import Events


@given(steps=st.integers(1, 5), batch=st.integers(1, 3))
def test_only_time_and_batch_change_places(steps, batch):
    x = torch.rand(batch, steps, 2, 3, 4)
    out = Events(timesteps=steps, in_channels=2)(x)
    assert out.shape == (steps, batch, 2, 3, 4)
    assert all(torch.equal(out[t, b], x[b, t]) for t in range(steps) for b in range(batch))


def test_another_number_of_frames_is_rejected():
    with pytest.raises(ValueError, match="Events: x must have timesteps = 4 frames; got 5"):
        Events(timesteps=4, in_channels=2)(torch.zeros(1, 5, 2, 3, 3))


def test_images_are_rejected():
    with pytest.raises(ValueError, match=r"Events: x must be event frames \[B, T, C, H, W\]; got \[1, 2, 3, 3\]; choose"):
        Events(timesteps=4, in_channels=2)(torch.zeros(1, 2, 3, 3))

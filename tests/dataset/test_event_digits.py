"""Property of the simulated sensor: it sees what changes, deterministically; golden: a pixel by hand."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from snnx.augmentation.none import none
from snnx.dataset.digits import Digits
from snnx.dataset.event_digits import NOISE_HZ, PIXELS, THRESHOLD, EventDigits, _events, log_brightness, look, simulate
from snnx.dataset.recording import Sample, require_sound

DIGITS = (load_digits().images[:6] / 16).astype(np.float32)


@pytest.fixture(scope="module")
def recordings():
    return simulate(DIGITS, np.arange(6))


def test_recordings_are_sound_and_last_three_saccades(recordings):
    for events in recordings:
        require_sound(Sample("simulated", 0, events), (PIXELS, PIXELS))
        assert 250_000 < events["t"][-1] < 300_000
        assert 1_000 < len(events) < 10_000


def test_a_digit_is_the_same_again_and_whatever_stands_beside_it(recordings):
    assert np.array_equal(simulate(DIGITS[3:4], np.array([3]))[0], recordings[3])
    assert not np.array_equal(simulate(DIGITS[3:4], np.array([4]))[0], recordings[3])


def test_a_black_field_makes_noise_only():
    """Poisson with mean 0.5 Hz * 1024 * 0.3 s = 153.6: within 5 standard deviations, 62, of it."""
    (events,) = simulate(np.zeros((1, 8, 8), np.float32), np.array([0]))
    assert abs(len(events) - NOISE_HZ * PIXELS**2 * 0.3) < 62


def test_brighter_and_darker_edges_balance(recordings):
    """The path returns to where it began, so each pixel gets as dark as it was: about as many events up as down."""
    for events in recordings:
        net = np.zeros((PIXELS, PIXELS))
        np.add.at(net, (events["y"], events["x"]), np.where(events["p"], 1, -1))
        assert np.median(np.abs(net)) <= 1
        assert np.abs(net).mean() < 1.5


def test_one_pixel_by_hand():
    """From 0 to 1 within a step of 2 ms, thresholds of 0.4 from a memory of -0.1: crossings at 0.3 and 0.7 of it."""
    one = np.array([0])
    values = [np.array([v], np.float32) for v in (2.0, -0.1, 0.4, 0.0, 1.0)]
    digit, events = _events(3, (one, one + 5, one + 6), *values)
    assert digit.tolist() == [0, 0]
    assert [tuple(event) for event in events] == [(6, 5, 6000 + 599, True), (6, 5, 6000 + 1399, True)]


def test_the_sensor_sees_the_digit_enlarged():
    assert look(2.5).sum(axis=1).max() == pytest.approx(1)
    sharp = np.zeros((1, 8, 8), np.float32)
    sharp[0, 2, 5] = 1
    seen = np.exp(log_brightness(sharp, 2.5, 2.5))[0]
    assert seen.max() == pytest.approx(1.1, abs=0.1 + THRESHOLD)
    row, column = np.unravel_index(seen.argmax(), seen.shape)
    assert (row, column) == (pytest.approx(15.5 - 3.75, abs=1), pytest.approx(15.5 + 3.75, abs=1))


@pytest.mark.slow
def test_the_split_is_that_of_digits(tmp_path):
    dataset = EventDigits(root=str(tmp_path), batch_size=64, validation=0.1, augmentation=none, seed=0, timesteps=2)
    images = Digits(batch_size=64, validation=0.1, normalize=False, augmentation=none, seed=0)
    dataset.setup()
    images.setup()
    assert dataset.facts == {"variant": "official", "layout": "simulated"}
    assert dataset.split_counts == images.split_counts
    for part in ("train_dataloader", "val_dataloader", "test_dataloader"):
        assert torch.equal(*(torch.cat([y for _, y in getattr(one, part)()]) for one in (dataset, images)))

"""Property: every event is in exactly one frame; golden: SpikingJelly's frames, where T divides N."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnx.dataset.binning import BINNINGS, EVENT, by_count, by_time, frames

BOTH = pytest.mark.parametrize("binning", BINNINGS.values(), ids=BINNINGS)


def recording(seed: int, number: int, pixels: int = 8, last: int = 1000) -> np.ndarray:
    """Random events, sorted by time."""
    draw = np.random.default_rng(seed)
    events = np.empty(number, EVENT)
    events["x"], events["y"] = draw.integers(pixels, size=(2, number))
    events["p"] = draw.integers(2, size=number)
    events["t"] = np.sort(draw.integers(last, size=number))
    return events


def framed(events, binning, bins=4, pixels=8, size=8):
    return frames(events, bins=bins, binning=binning, sensor=(pixels, pixels), size=size)


@BOTH
@given(seed=st.integers(0, 99), number=st.integers(1, 300), bins=st.integers(1, 12))
def test_events_in_are_events_out_and_polarity_is_kept(binning, seed, number, bins):
    events = recording(seed, number)
    found = framed(events, binning, bins)
    assert found.shape == (bins, 2, 8, 8)
    assert found.sum(axis=(0, 2, 3)).tolist() == [number - events["p"].sum(), events["p"].sum()]
    for p, y, x in {(int(e["p"]), int(e["y"]), int(e["x"])) for e in events}:
        assert found[:, p, y, x].sum() == ((events["p"] == p) & (events["y"] == y) & (events["x"] == x)).sum()


@given(seed=st.integers(0, 99), number=st.integers(1, 300), bins=st.integers(1, 12))
def test_bins_of_equal_count_differ_by_one_event_at_most(seed, number, bins):
    counts = framed(recording(seed, number), by_count, bins).sum(axis=(1, 2, 3))
    assert counts.max() - counts.min() <= 1


@given(seed=st.integers(0, 99), number=st.integers(1, 300), bins=st.integers(1, 12))
def test_bins_of_equal_time_hold_the_events_of_their_time(seed, number, bins):
    t = recording(seed, number)["t"]
    span = int(t[-1] - t[0] + 1)
    edges = [int(t[0]) + math.ceil(Fraction(span * index, bins)) for index in range(bins + 1)]  # in whole microseconds
    expected = [int(((t >= edge) & (t < end)).sum()) for edge, end in pairwise(edges)]
    assert framed(recording(seed, number), by_time, bins).sum(axis=(1, 2, 3)).tolist() == expected


def test_an_empty_bin_is_a_black_frame():
    events = recording(0, 10)
    events["t"] = [0] * 9 + [1000]
    assert framed(events, by_time).sum(axis=(1, 2, 3)).tolist() == [9, 0, 0, 1]


@BOTH
@given(seed=st.integers(0, 99), number=st.integers(2, 300))
def test_the_order_of_simultaneous_events_within_a_bin_does_not_matter(binning, seed, number):
    events = recording(seed, number)
    bins = binning(events["t"], 4)
    shuffled = events.copy()
    draw = np.random.default_rng(seed)
    for one in range(4):
        members = np.flatnonzero(bins == one)
        order = draw.permutation(members)
        for name in ("x", "y", "p"):
            shuffled[name][members] = events[name][order]
    assert np.array_equal(framed(events, binning), framed(shuffled, binning))


@BOTH
def test_simultaneous_events_are_all_counted(binning):
    events = recording(0, 70_000, pixels=1, last=1)  # tonic's int16 gives 4463 in one pixel
    assert framed(events, binning, bins=1, pixels=1, size=1).sum() == 70_000


@BOTH
@given(seed=st.integers(0, 99), number=st.integers(1, 300), factor=st.sampled_from([1, 2, 4, 8]))
def test_a_smaller_frame_sums_blocks_of_pixels(binning, seed, number, factor):
    events, size = recording(seed, number), 8 // factor
    whole = framed(events, binning)
    assert np.array_equal(framed(events, binning, size=size), whole.reshape(4, 2, size, factor, size, factor).sum(axis=(3, 5)))


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_any_smaller_size_keeps_all_events_inside(size):
    assert framed(recording(1, 500), by_count, size=size).shape[2:] == (size, size)
    assert framed(recording(1, 500), by_count, size=size).sum() == 500


def test_frames_of_equal_count_are_spikingjellys(spikingjelly_events):
    """Golden: its own function, where the number of events is a multiple of T and both agree on the bins."""
    events = recording(3, 400)
    named = {name: events[name].astype(np.int64) for name in "txyp"}
    theirs = spikingjelly_events.utils.integrate_events_by_fixed_frames_number(named, "number", 4, 8, 8)
    assert np.array_equal(framed(events, by_count), theirs)

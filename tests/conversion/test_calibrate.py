"""Scales that are computed batch by batch equal those of all activations at once."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnx.conversion.calibrate import calibrate
from snnx.layer.clipped import Clipped


def values(seed, sizes):
    """Batches of maps, half of them negative, with values over twelve orders of magnitude."""
    draw = torch.Generator().manual_seed(seed)
    return [
        torch.randn(n, 3, 4, 4, generator=draw) * torch.pow(10.0, torch.randint(-6, 6, (n, 3, 1, 1), generator=draw).float())
        for n in sizes
    ]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    percentile=st.one_of(st.none(), st.floats(0.5, 100)),
    over=st.sampled_from(["nonzero", "all"]),
    per_channel=st.booleans(),
)
def test_scales_are_exact_however_the_set_is_batched(seed, sizes, percentile, over, per_channel):
    """Equal to the last bit to the order statistic that NumPy finds by sorting the whole set."""
    batches, net = values(seed, sizes), nn.Sequential(nn.ReLU())
    every = torch.cat(batches).relu()
    rows = every.movedim(1, 0).flatten(1) if per_channel else every.reshape(1, -1)
    wanted = []
    for row in rows.numpy():
        row = np.sort(row[row > 0] if over == "nonzero" else row)
        rank = len(row) if percentile is None else math.ceil(round(percentile * len(row) / 100, 6))
        wanted.append(float(row[rank - 1]) if len(row) else 0.0)
    if max(wanted) == 0:
        with pytest.raises(ValueError, match=r"^Conversion: 0 must be active on the calibration set"):
            calibrate(net, lambda: batches, percentile=percentile, over=over, per_channel=per_channel)
        return
    found = calibrate(net, lambda: batches, percentile=percentile, over=over, per_channel=per_channel)["0"]
    assert found.reshape(-1).tolist() == [value or max(wanted) for value in wanted]


def test_a_ceiling_below_zero_is_rejected():
    net = nn.Sequential(Clipped())
    with torch.no_grad():
        net[0].ceiling.fill_(-0.1)
    with pytest.raises(ValueError, match=r"^Clipped: the learned ceiling of 0 must stay above 0; got -0\.1; train"):
        calibrate(net, lambda: [torch.ones(1, 2)])


def test_a_ceiling_that_rounds_everything_to_zero_is_rejected():
    """With 8 levels below a ceiling of 8, all below 0.5 becomes 0, and no information about the input would be left."""
    net = nn.Sequential(Clipped(levels=8, ceiling=8.0))
    with pytest.raises(ValueError, match=r"^Clipped: 0 must be active .*; got 0 for all 3 samples, since its ceiling of 8"):
        calibrate(net, lambda: [torch.full((3, 2), 0.49)])
    calibrate(net, lambda: [torch.full((3, 2), 0.51)])


def test_memory_does_not_grow_with_the_number_of_batches():
    """Between batches only counters are kept, and their number stays the same."""
    from snnx.conversion.calibrate import _Rank

    rank, sizes = _Rank(99.9, True), []
    for batch in values(0, [5] * 10):
        rank.see(batch.relu().reshape(1, -1))
        sizes.append(sum(kept.numel() for kept in vars(rank).values() if isinstance(kept, torch.Tensor)))
    assert set(sizes) == {2048}


def test_a_ceiling_is_the_scale_whatever_the_set():
    net = nn.Sequential(Clipped(ceiling=3.0))
    assert calibrate(net, lambda: [torch.ones(1, 2)]) == {"0": torch.tensor(3.0)}


@pytest.mark.parametrize(
    ("how", "batches", "message"),
    [
        ({}, [-torch.ones(4, 3)], "^Conversion: 0 must be active on the calibration set; got a maximum of 0 over 4 samples"),
        (
            {"percentile": 50, "over": "all"}, [torch.tensor([[0.0, 0.0, 1.0]])],
            "0 must be active .*; got a 50 percentile of all of 0 over 1 samples; set method.percentile_over=nonzero",
        ),
        ({}, [], "^Conversion: the calibration set must have at least one sample; got none"),
        ({"percentile": 0}, [torch.ones(1, 3)], r"calibrate: percentile must be in \(0, 100\], or null for .*; got 0"),
        ({"over": "some"}, [torch.ones(1, 3)], "calibrate: over must be nonzero or all; got some"),
    ],
)  # fmt: skip
def test_bad_values(how, batches, message):
    with pytest.raises(ValueError, match=message):
        calibrate(nn.Sequential(nn.ReLU()), lambda: batches, **how)

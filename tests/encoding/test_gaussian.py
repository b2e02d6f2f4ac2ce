"""Population coding: fields and times computed by hand, and properties."""

import pytest
import torch

from snnx.encoding.gaussian import Gaussian


def gaussian(timesteps=10, in_channels=1, **changed):
    arguments = {"fields": 8, "beta": 1.5, "x_range": (0, 1), "sigma_denominator": "n_minus_1", "r_min": 0.1}
    return Gaussian(timesteps=timesteps, in_channels=in_channels, **(arguments | changed))


def test_centres_and_widths_of_the_fields():
    expected = torch.tensor([-0.0833, 0.0833, 0.25, 0.4167, 0.5833, 0.75, 0.9167, 1.0833])
    assert torch.allclose(gaussian().mu.flatten(), expected, atol=5e-5)
    assert gaussian().sigma == pytest.approx(0.095238, abs=1e-6)
    assert gaussian(sigma_denominator="n_minus_2").sigma == pytest.approx(0.111111, abs=1e-6)


@pytest.mark.parametrize(
    ("r_min", "times"), [(0.0, [9, 9, 6, 0, 8, 9, 9, 9]), (0.1, [-1, -1, 6, 0, 8, -1, -1, -1])], ids=["all", "cut"]
)
def test_times_of_one_pixel(r_min, times):
    assert gaussian(r_min=r_min).times(torch.full((1, 1, 1, 1), 0.4)).flatten().tolist() == times


def test_another_range_shifts_and_scales_the_code():
    x = torch.rand(2, 1, 3, 3)
    moved = gaussian(x_range=(-1, 3)).times(4 * x - 1)
    assert (moved - gaussian().times(x)).abs().max() <= 1  # rounding may decide a tie differently


def test_channels_are_the_outer_and_fields_the_inner_index():
    x = torch.rand(2, 3, 4, 4)
    spikes = gaussian(in_channels=3)(x)
    assert spikes.shape == (10, 2, 24, 4, 4)
    for channel in range(3):
        alone = gaussian()(x[:, channel : channel + 1])
        assert torch.equal(spikes[:, :, 8 * channel : 8 * (channel + 1)], alone)


def test_every_pixel_makes_at_least_two_fields_fire_each_at_most_once():
    spikes = gaussian()(torch.arange(256.0).view(1, 1, 16, 16) / 255)
    assert (spikes.sum(0) <= 1).all()
    assert (spikes.sum((0, 2)) >= 2).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"fields": 2}, "Gaussian: fields must be at least 3; got 2"),
        ({"beta": 0}, "Gaussian: beta must be positive; got 0"),
        ({"x_range": (1, 1)}, "Gaussian: x_range must go from a smaller to a larger value; got 1 to 1"),
        ({"sigma_denominator": "n"}, "Gaussian: sigma_denominator must be n_minus_1 or n_minus_2; got n"),
        ({"r_min": 2}, r"Gaussian: r_min must be in \[0, 1\]; got 2"),
    ],
)
def test_wrong_arguments_are_rejected(changed, message):
    with pytest.raises(ValueError, match=message):
        gaussian(**changed)

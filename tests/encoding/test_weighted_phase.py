"""Phase coding equals SpikingJelly's WeightedPhaseEncoder, and its weighted digits add up to the pixel."""

import pytest
import torch
from spikingjelly.activation_based.encoding import WeightedPhaseEncoder

from snnx.encoding.weighted_phase import WeightedPhase

PIXELS = torch.arange(256.0).view(1, 1, 16, 16) / 255


def phase(timesteps, phases, apply_phase_weight=True, silent_value=0):
    return WeightedPhase(
        timesteps=timesteps,
        in_channels=1,
        phases=phases,
        apply_phase_weight=apply_phase_weight,
        silent_value=silent_value,
    )


@pytest.mark.parametrize("phases", [1, 4, 8, 10, 16])
def test_digits_equal_spikingjelly_on_the_rescaled_image(phases):
    theirs = WeightedPhaseEncoder(phases).single_step_encode(PIXELS * (1 - 2**-phases))
    assert torch.equal(phase(phases, phases, apply_phase_weight=False)(PIXELS), theirs)


@pytest.mark.parametrize("phases", [1, 8, 10, 24])
def test_one_weighted_period_adds_up_to_the_image(phases):
    total = phase(phases, phases)(PIXELS).sum(0)
    error = PIXELS * (1 - 2**-phases) - total
    assert (error >= -1e-7).all()
    assert (error < 2**-phases + 1e-7).all()


def test_eight_phases_encode_a_byte_exactly():
    assert torch.equal(phase(8, 8)(PIXELS).sum(0) * 256, PIXELS * 255)


def test_digits_repeat_and_are_cut_off_if_steps_are_few():
    period = phase(8, 8)(PIXELS)
    assert torch.equal(phase(20, 8)(PIXELS), torch.cat([period, period, period[:4]]))
    assert torch.equal(phase(3, 8)(PIXELS), period[:3])


@pytest.mark.parametrize(("silent_value", "dark", "bright"), [(0, 0, 8), (1, 0, 0), (None, 0, 8)])
def test_black_has_no_digits_and_white_has_all_unless_silenced(silent_value, dark, bright):
    digits = phase(8, 8, apply_phase_weight=False, silent_value=silent_value)(PIXELS).sum(0).flatten()
    assert (digits[0], digits[-1]) == (dark, bright)


@pytest.mark.parametrize("phases", [0, 25])
def test_more_digits_than_a_float_has_are_rejected(phases):
    with pytest.raises(ValueError, match=f"WeightedPhase: phases must be between 1 and 24; got {phases}"):
        phase(8, phases)

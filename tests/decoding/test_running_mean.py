"""The mean over a run that is simulated in pieces."""

import torch

from snnx.decoding.running_mean import RunningMean


def test_thousands_of_steps_in_bfloat16_are_summed_in_float32():
    """Golden: 2,500 steps of 5.0 have the mean 5. A sum in bfloat16 is rounded to 8 bits at every addition, and gives 5.875."""
    mean = RunningMean()
    for _ in range(250):
        scores = mean(torch.full((10, 1, 1), 5.0, dtype=torch.bfloat16))
    assert scores.item() == 5.0
    assert mean.by_step(torch.full((500, 1, 1), 5.0, dtype=torch.bfloat16)).eq(5.0).all()


def test_float64_stays_float64():
    assert RunningMean()(torch.ones(2, 1, 1, dtype=torch.float64)).dtype == torch.float64

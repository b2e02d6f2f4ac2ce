"""A network whose output depends on the order of the samples is found; backbones and attentions test the other rules."""

import pytest
import torch
from torch import nn

from snnx.testing import over_time


class Weighs(nn.Module):
    """Multiplies samples by a factor of their position in the batch."""

    def forward(self, x):
        return x * torch.linspace(1, 2, x.shape[1]).view(-1, 1)


def test_a_network_that_depends_on_the_order_of_samples():
    with pytest.raises(
        AssertionError, match=r"^Weighs: must not depend on the order of samples in a batch; got another output$"
    ):
        over_time.order_of_samples(Weighs(), torch.rand(4, 3, 2))

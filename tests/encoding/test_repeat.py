"""Repeat gives the image itself, with the memory of one image."""

import torch

from snnx.encoding.repeat import Repeat


def test_every_step_is_the_image_without_a_copy():
    x = torch.randn(2, 3, 4, 4)
    out = Repeat(timesteps=5, in_channels=3)(x)
    assert all(torch.equal(step, x) for step in out)
    assert out.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


def test_gradients_add_up_over_steps():
    x = torch.rand(1, 1, 2, 2, requires_grad=True)
    Repeat(timesteps=5, in_channels=1)(x).sum().backward()
    assert torch.equal(x.grad, torch.full_like(x, 5.0))

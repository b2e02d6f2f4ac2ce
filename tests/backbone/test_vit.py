"""The transformer: what the norm before the recorded neurons does."""

import torch
from torch import nn

from snnx.backbone.vit import ViT
from snnx.neuron.if_ import IF

SHAPE = {"in_shape": (1, 8, 8), "classes": 3, "embed_dim": 16, "heads": 2}


def currents(**arguments) -> list[torch.Tensor]:
    """The current of `sn2` in each block, for random spikes."""
    torch.manual_seed(0)
    net, found = ViT(neuron=IF, **SHAPE, **arguments), []
    for block in net.encoder:
        block.sn2.register_forward_pre_hook(lambda _, x: found.append(x[0]))
    net((torch.rand(4, 16, 1, 8, 8) < 0.3).float())
    return found


def test_the_norm_gives_the_recorded_neurons_currents_of_unit_variance_and_zero_mean():
    for x in currents(sn2_norm=True):
        flat = x.flatten(0, 2)
        assert flat.mean(0).abs().max() < 1e-5
        torch.testing.assert_close(flat.var(0, unbiased=False), torch.ones(16), atol=0.02, rtol=0)
    assert max(x.std() for x in currents()) < 0.5


def test_without_it_the_network_has_no_batch_norm():
    assert not any(isinstance(module, nn.BatchNorm2d) for module in ViT(neuron=IF, **SHAPE).modules())

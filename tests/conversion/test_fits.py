"""Weights that do not belong to the network or its images are rejected before they are converted."""

import pytest
import torch
from converting import SHAPE, images
from torch import nn

from snnx.backbone.resnet import STEM_POOLS, ResNet
from snnx.conversion.fits import require_fitting


@pytest.fixture(scope="module")
def trained():
    """A ResNet with torchvision's stem, whose norms have seen as many batches as their statistics need."""
    torch.manual_seed(0)
    net = ResNet(neuron=nn.ReLU, in_shape=SHAPE, classes=10, width=0.07, stem="imagenet", stem_pool="max").double()
    for step in range(60):
        net(images(32, seed=step)[None])
    return net.eval()


def test_the_network_that_was_trained_fits(trained):
    require_fitting(trained, images(200, seed=99))


@pytest.mark.parametrize("pool", ["none", "avg"])
def test_another_pooling_is_rejected(trained, pool):
    trained.stem_pool = STEM_POOLS[pool]()
    with pytest.raises(ValueError, match=r"^Conversion: loaded weights must fit .*; got values before .* choose the pooling"):
        require_fitting(trained, images(200, seed=99))
    trained.stem_pool = STEM_POOLS["max"]()


def test_another_normalisation_is_rejected(trained):
    with pytest.raises(ValueError, match=r"got values before bn1 with 0\.04 times the variance that it has stored"):
        require_fitting(trained, 0.2 * images(200, seed=99))


def test_norms_that_have_seen_little_or_nothing_are_not_judged(trained):
    require_fitting(ResNet(neuron=nn.ReLU, in_shape=SHAPE, classes=10, width=0.07).double().eval(), 100 * images())
    for module in trained.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked.fill_(49)
    require_fitting(trained, 100 * images())
    for module in trained.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked.fill_(0)  # what torch fills in if an old file has no count
    with pytest.raises(ValueError, match="loaded weights must fit"):
        require_fitting(trained, 100 * images())

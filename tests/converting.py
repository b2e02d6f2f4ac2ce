"""Small networks for the tests of conversion, with batch norms that have statistics and gains that differ by layer."""

import torch
from torch import nn

from snnx.backbone.convnet import ConvNet
from snnx.backbone.resnet import ResNet
from snnx.backbone.vgg import VGG

SHAPE = (3, 32, 32)


def network(kind, neuron=nn.ReLU, seed=0):
    """A network in float64 whose batch norms have seen data and have a different gain in each channel."""
    torch.manual_seed(seed)
    common = {"neuron": neuron, "in_shape": SHAPE, "classes": 10}
    net = {
        "resnet": lambda: ResNet(**common, width=0.07, stem="imagenet", stem_pool="avg"),
        "vgg": lambda: VGG(**common, width=0.07, hidden=[64]),
        "convnet": lambda: ConvNet(**common, channels=[8, 8]),
    }[kind]().double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 3.0)
            nn.init.uniform_(module.bias, -0.3, 0.6)
    for _ in range(3):
        net(images(16)[None])
    return net.eval()


def images(size=8, seed=1):
    return torch.rand(size, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2 - 0.7

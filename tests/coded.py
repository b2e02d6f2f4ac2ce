"""Networks of `method=conversion` for the tests of its codes."""

import torch
from composing import composed
from torch import nn

from snnx.metric.recorder import Recorder
from snnx.run.build import build_method

WINDOWS = ["method.start=32", "method.duration=32"]
CODES = {
    "rate": ["method.code=rate", "timesteps=96"],
    "phase": ["method.code=phase", "timesteps=96"],
    "burst": ["method.code=burst", "timesteps=96"],
    "t2fsnn": ["method.code=t2fsnn", "timesteps=96", *WINDOWS],
    "early": ["method.code=t2fsnn", "timesteps=64", "method.start=16", "method.duration=32"],
    "park": ["method.code=park", "method.activation=kernel", "method.ceiling=1.0", "timesteps=96", *WINDOWS],
}


class Facts:
    shape, classes = (1, 8, 8), 10


def build(*overrides, backbone=("backbone=convnet", "backbone.channels=[6,8]")):
    torch.manual_seed(0)
    method = build_method(composed("method=conversion", *backbone, *overrides).config, Facts()).double()
    for module in method.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.4)
    method.train()
    with torch.no_grad():
        for _ in range(20):
            method(images(16, seed=3))
    return method.eval()


def images(size=6, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (size, 1, 8, 8), generator=draw).double() / 255


@torch.no_grad()
def measured(method, x):
    """The scores and all curves of a test."""
    with Recorder(method.backbone, list(method.metrics.values()), method.watch) as method.recorder:
        method.recorder.labels = torch.arange(len(x)) % 10
        method.convert(lambda: [x])
        scores = method(x)
        method.recorder.end_batch(scores.argmax(1) == method.recorder.labels)
    return scores, method.recorder.curves("test")

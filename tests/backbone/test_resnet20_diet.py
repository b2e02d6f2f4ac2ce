"""The residual network of Diet-SNN: its size, its layers written out, and its first weights."""

from functools import partial

import pytest
import torch
from composing import configuration
from torch import nn
from torch.nn.functional import avg_pool2d

from snnx.backbone.resnet20_diet import ResNet20Diet
from snnx.neuron.lif import LIF
from snnx.neuron.lif_learned import LIFLearned
from snnx.norm.batch import Batch
from snnx.run.component import component


@pytest.mark.parametrize(("classes", "weights"), [(10, 11_253_440), (100, 11_437_760)])
def test_its_size_in_its_recipe_is_that_of_the_authors_network(classes, weights):
    """Three convolutions, 8 blocks of two, 3 shortcuts of 1x1, and a linear layer of 2x2 values of 512 channels."""
    with torch.device("meta"):
        make = component(configuration("recipe=dietsnn_cifar10"), "backbone")
        net = make(neuron=LIF, in_shape=(3, 32, 32), classes=classes, width=1.0)
        learned = make(neuron=LIFLearned, in_shape=(3, 32, 32), classes=classes, width=1.0)
    stem = 27 * 64 + 2 * 9 * 64**2
    stages = 4 * 9 * 64**2 + sum(9 * n * 2 * n + 3 * 9 * (2 * n) ** 2 + n * 2 * n for n in (64, 128, 256))
    assert stem + stages + 2_048 * classes == weights
    assert sum(p.numel() for p in net.parameters()) == weights
    assert sum(p.numel() for p in learned.parameters()) == weights + 2 * 19  # a leak and a threshold of each neuron layer
    weighted = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear) and getattr(m, "kernel_size", 0) != (1, 1)]
    assert len(weighted) == 20


def built(**arguments) -> ResNet20Diet:
    torch.manual_seed(0)
    return ResNet20Diet(
        **{"neuron": nn.ReLU, "in_shape": (2, 12, 14), "classes": 3, "width": 0.125, "norm": False, **arguments}
    )


def test_it_equals_its_layers_written_out():
    net = built(blocks=[1, 2]).double().eval()
    weights = [m.weight for m in net.modules() if isinstance(m, nn.Conv2d)]
    x = torch.randn(5, 2, 12, 14, dtype=torch.float64)
    conv = lambda h, w, stride=1: nn.functional.conv2d(h, w, stride=stride, padding=w.shape[-1] // 2)  # noqa: E731
    h = x
    for _ in range(3):
        h = conv(h, weights.pop(0)).relu()
    h = avg_pool2d(h, 2)
    h = (conv(conv(h, weights.pop(0)).relu(), weights.pop(0)) + h).relu()
    h = (conv(conv(h, weights.pop(0), 2).relu(), weights.pop(0)) + conv(h, weights.pop(0), 2)).relu()
    h = (conv(conv(h, weights.pop(0)).relu(), weights.pop(0)) + h).relu()
    assert not weights
    assert h.shape == (5, 16, 3, 4)
    torch.testing.assert_close(net(x[None])[0], h.flatten(1) @ net.fc.weight.T, rtol=0, atol=1e-12)


def test_its_first_weights_are_those_of_the_authors_code():
    net = built(width=1.0, blocks=[1, 1], in_shape=(3, 32, 32))
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            out, _, kernel, _ = module.weight.shape
            assert module.weight.std().item() == pytest.approx((2 / (kernel**2 * out)) ** 0.5, rel=0.05), name
    assert net.fc.weight.std().item() == pytest.approx(0.01, rel=0.02)


def test_dropout_stands_after_two_layers_of_the_stem_and_inside_of_each_block():
    net = built(dropout=0.4)
    names = [name for name, module in net.named_modules() if type(module).__name__ == "Dropout"]
    assert names == ["stem.drop1", "stem.drop2", *(f"stages.layer{i}.{j}.drop" for i in (1, 2, 3, 4) for j in (0, 1))]
    assert {net.get_submodule(name).p for name in names} == {0.4}


def test_a_norm_follows_each_convolution_if_asked():
    assert not any(isinstance(m, Batch) for m in built().modules())
    convolutions = sum(isinstance(m, nn.Conv2d) for m in built().modules())
    assert sum(isinstance(m, Batch) for m in built(norm=True).modules()) == convolutions == 3 + 16 + 3
    found = []
    built(norm=lambda channels, *, v_threshold, meets_sum: found.append(meets_sum) or nn.Identity())
    assert found.count(True) == 8 + 3


def test_spikes_reach_its_last_layer():
    net = built(neuron=partial(LIF, v_threshold=0.1)).eval()
    seen = []
    net.fc.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    net(torch.rand(4, 2, 2, 12, 14))
    assert set(seen[0].unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"blocks": []}, r"^ResNet20Diet: blocks must have at least 1 block in each stage; got \[\]$"),
        ({"blocks": [2, 0]}, r"^ResNet20Diet: blocks must have at least 1 block in each stage; got \[2, 0\]$"),
        ({"dropout": 1.0}, r"^ResNet20Diet: dropout must be in \[0, 1\); got 1.0$"),
        ({"in_shape": (3, 1, 8)}, "^ResNet20Diet: in_shape must have at least 2x2 pixels; got 1x8$"),
    ],
)
def test_bad_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        built(**arguments)

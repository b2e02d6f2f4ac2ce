"""Both conversions are given the same network and compute its function."""

import torch
from spikingjelly.activation_based import functional

from snnx.backbone.resnet import ResNet
from snnx.bench.conversion import BASELINE, SMOKE, TorchvisionResNet, convert_with_spikingjelly, measure, tables


def test_spikingjelly_converts_a_network_that_computes_the_same_as_ours():
    torch.manual_seed(0)
    ours = ResNet(neuron=torch.nn.ReLU, in_shape=(3, 32, 32), classes=10, width=0.0625, stem="imagenet", stem_pool="none")
    images = torch.rand(4, 3, 32, 32)
    for _ in range(3):
        ours(images[None])
    plain = TorchvisionResNet(0.0625, 10)
    plain.load_state_dict(ours.state_dict())
    torch.testing.assert_close(plain.eval()(images), ours.eval()(images[None])[0])
    with torch.no_grad():
        converted, expected = convert_with_spikingjelly(plain, images), ours(images[None])[0]
        functional.reset_net(converted)
        found = converted(images.expand(400, *images.shape)).mean(0)
    assert (found - expected).abs().max() < 0.1 * expected.abs().max()


def test_every_network_has_a_row():
    (table,) = tables(measure(**SMOKE))
    assert [row[0] for row in table.rows] == [BASELINE, "snnx", "SpikingJelly"]
    assert table.rows[0][-1] == "1.00"
    assert all(float(row[1]) > 0 for row in table.rows)

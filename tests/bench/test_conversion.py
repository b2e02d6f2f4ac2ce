"""The contestants compute the same: converted by either way, the network that both were given."""

import torch
from spikingjelly.activation_based import functional

from snnx.backbone.resnet import ResNet
from snnx.bench.conversion import FLOOR, SMOKE, Plain, measure, tables, theirs


def test_what_spikingjelly_converts_is_our_network():
    torch.manual_seed(0)
    ours = ResNet(neuron=torch.nn.ReLU, in_shape=(3, 32, 32), classes=10, width=0.0625, stem="imagenet", stem_pool="none")
    images = torch.rand(4, 3, 32, 32)
    for _ in range(3):
        ours(images[None])
    plain = Plain(0.0625, 10)
    plain.load_state_dict(ours.state_dict())
    torch.testing.assert_close(plain.eval()(images), ours.eval()(images[None])[0])
    with torch.no_grad():
        converted, wanted = theirs(plain, images), ours(images[None])[0]
        functional.reset_net(converted)
        found = converted(images.expand(400, *images.shape)).mean(0)
    assert (found - wanted).abs().max() < 0.1 * wanted.abs().max()


def test_every_contestant_has_a_row():
    (table,) = tables(measure(**SMOKE))
    assert [row[0] for row in table.rows] == [FLOOR, "snnx", "SpikingJelly"]
    assert table.rows[0][-1] == "1.00"
    assert all(float(row[1]) > 0 for row in table.rows)

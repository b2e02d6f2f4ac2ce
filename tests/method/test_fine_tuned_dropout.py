"""In the stage that trains ReLU, a dropout draws another mask for each batch, as in the stage that trains spikes."""

from functools import partial

import pytest
import torch
from torch import nn

from snnx.backbone.chain import Chain
from snnx.backbone.resnet20_diet import ResNet20Diet
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.repeat import Repeat
from snnx.method.fine_tuned import FineTuned
from snnx.neuron.lif_learned import LIFLearned
from snnx.scheduler.constant import Constant
from snnx.testing.random_images import CLASSES, SHAPE, RandomImages, train

CHAIN = partial(Chain, layers=[4, "D", 8], hidden=[16, "D"], norm=False, bias=False)
NETWORKS = {
    CHAIN: ["features.drop1", "classifier.drop1"],
    partial(ResNet20Diet, blocks=[1], width=0.125, norm=False): ["stem.drop1", "stem.drop2", "stages.layer1.0.drop"],
}


@pytest.mark.parametrize("stage", ["relu", "spikes"])
@pytest.mark.parametrize("backbone", NETWORKS, ids=["chain", "resnet20_diet"])
def test_each_batch_has_another_mask(backbone, stage):
    torch.manual_seed(0)
    method = FineTuned(
        encoding=partial(Repeat, timesteps=3), neuron=LIFLearned, backbone=partial(backbone, dropout=0.5),
        decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={}, optimizer=partial(torch.optim.Adam, lr=0.0),
        scheduler=Constant, in_shape=SHAPE, classes=CLASSES,
    )  # fmt: skip
    masks = {name: [] for name in NETWORKS[backbone]}
    for name, found in masks.items():
        layer = method.backbone.get_submodule(name)
        layer.register_forward_hook(lambda m, given, made, found=found: found.append((method._as_relu, m.mask)))
    data = RandomImages()
    data.train_dataloader = lambda: torch.utils.data.DataLoader(data.samples, batch_size=3)  # 8 images: 3, 3 and 2
    train(method, data, epochs=2)
    for found in masks.values():
        drawn = [mask for as_relu, mask in found if mask is not None and as_relu == (stage == "relu")]
        assert [len(mask) for mask in drawn] == [3, 3, 2]
        assert not torch.equal(drawn[0], drawn[1])

"""The contracts of methods: methods with one mistake each do not fulfil them."""

from functools import partial

import pytest
import torch
from torch import nn

from snnx.backbone.convnet import ConvNet
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.repeat import Repeat
from snnx.method.direct import Direct
from snnx.neuron.lif import LIF
from snnx.scheduler.constant import Constant
from snnx.testing import method


class Leaves(Direct):
    """Does not reset its neurons."""

    def run(self, images):
        outputs = self.backbone(self.encoding(images))
        return outputs, self.decoding(outputs)


class Compares(Direct):
    """Subtracts the mean score of the batch."""

    def forward(self, images):
        scores = super().forward(images)
        return scores - scores.mean(0)


class Still(Direct):
    """Trains nothing."""

    def configure_optimizers(self):
        return None


class Breaks(Direct):
    """Has a loss whose gradient is not finite."""

    def scores_and_loss(self, images, labels):
        scores, loss = super().scores_and_loss(images, labels)
        return scores, loss + (0 * scores).abs().sqrt().sum()


class Draws(Direct):
    """Draws weights from a generator that is not seeded."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        generator = torch.Generator()
        generator.seed()
        self.backbone.out.weight.data.uniform_(-1, 1, generator=generator)


class Moves(Direct):
    """Changes a weight in a test."""

    def on_test_start(self):
        self.backbone.out.weight.data += 1


class Hides(Direct):
    """Learns a number that is not in its `state_dict`."""

    shift = 0.0

    def forward(self, images):
        return super().forward(images) + torch.arange(3.0) * self.shift

    def on_train_epoch_end(self):
        super().on_train_epoch_end()
        self.shift = 1.0


WRONG = [
    (method.scores, Leaves, "^Leaves: must give the same scores after another batch; got others$"),
    (method.scores, Compares, "^Compares: must give a sample alone the scores that it has in a batch; got others$"),
    (method.training, Still, "^Still: must change a parameter in training; got the same parameters$"),
    (method.training, Breaks, r"^Breaks: must give backbone\..* a finite gradient in training; got inf or nan$"),
    (method.seeds, Draws, r"^Draws: must train backbone\..* alike from the same seed; got another value$"),
    (method.evaluation, Moves, "^Moves: must keep backbone.out.weight in a test; got another value$"),
    (
        method.checkpoint,
        Hides,
        "^Hides: must give the same scores after its state_dict is loaded into a new one; got others$",
    ),
]


@pytest.mark.parametrize(("contract", "kind", "message"), WRONG)
def test_a_method_with_a_mistake(contract, kind, message):
    made = partial(
        kind, encoding=partial(Repeat, timesteps=4), neuron=partial(LIF, v_threshold=0.1),
        backbone=partial(ConvNet, channels=[4]), decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={},
        optimizer=torch.optim.Adam, scheduler=Constant, in_shape=(1, 8, 8), classes=3,
    )  # fmt: skip
    with pytest.raises(AssertionError, match=message):
        contract(made)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(method.CONTRACTS)

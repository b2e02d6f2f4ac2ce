"""The contracts of losses: losses with one mistake each do not fulfil them."""

import pytest
from torch import nn

from snnx.testing import loss


class First(nn.CrossEntropyLoss):
    """Uses only the first sample."""

    def forward(self, scores, labels):
        return super().forward(scores[:1], labels[:1])


class Rises(nn.CrossEntropyLoss):
    """Has the gradient of the opposite of its value."""

    def forward(self, scores, labels):
        value = super().forward(scores, labels)
        return 2 * value.detach() - value


class Sharp(nn.CrossEntropyLoss):
    """Takes the class of the largest probability, and no other, and then twice the value."""

    def forward(self, scores, labels):
        return super().forward(scores, labels) if labels.ndim == 1 else 2 * super().forward(scores, labels.argmax(1))


class Steps(nn.CrossEntropyLoss):
    """Takes the scores of the first step, but does not say that it reads the outputs of every step."""

    def forward(self, outputs, labels):
        return super().forward(outputs[0], labels[0])


class Forgetful(nn.CrossEntropyLoss):
    """Takes the mean over the steps, but does not say that it reads the outputs of every step."""

    def forward(self, outputs, labels):
        return super().forward(outputs.mean(0), labels)


class Boastful(nn.CrossEntropyLoss):
    """Says that it reads the outputs of every step, but takes the scores."""

    every_step = True


WRONG = [
    (loss.number, Forgetful, "^Forgetful: must set every_step = True, because it reads .T, B, K.; without it"),
    (loss.number, Boastful, "^Boastful: must not set every_step = True, because it reads scores .B, K.; with it"),
    (
        loss.number,
        lambda: nn.CrossEntropyLoss(reduction="none"),
        r"^CrossEntropyLoss: must return one number for a batch; got a result of shape \[\d+\]: take its mean$",
    ),
    (loss.number, lambda: lambda scores, labels: scores.sum() / 0, "must return one finite number; got (inf|-inf|nan)$"),
    (loss.order_of_samples, First, "^First: must not depend on the order of the samples in a batch; got another number; if it"),
    (loss.order_of_samples, Steps, "if it reads the outputs of every step, .T, B, K., it must set every_step = True$"),
    (loss.descent, Rises, "^Rises: must fall in a small step against its gradient; got"),
    (loss.probabilities, Sharp, "^Sharp: must give the same for a label and for its probability of 1; got"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG)
def test_a_loss_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_every_contract_finds_a_mistake():
    assert {contract for contract, *_ in WRONG} == set(loss.CONTRACTS)

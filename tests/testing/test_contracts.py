"""`snnx.testing` on what ships, which holds its contracts, and on components with one mistake each, which do not."""

from functools import partial

import pytest
import torch
from composing import composed
from published_losses import TET
from published_norms import BNTT, TDBN, TEBN
from torch import nn

from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.repeat import Repeat
from snnx.neuron.if_ import IF
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.lif_delayed import LIFDelayed
from snnx.neuron.node import Node
from snnx.neuron.plif import PLIF
from snnx.neuron.ttfs import TTFS
from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.options.files import files
from snnx.run.component import component
from snnx.testing import decoding, encoding, loss, neuron, norm

NEURONS = {
    "if": IF,
    "lif": LIF,
    "lif-soft": lambda: LIF(tau=3.0, decay_input=False, v_reset=None),
    "lif-detached": lambda: LIF(detach_reset=True),
    "lif_delayed": lambda: LIFDelayed(beta=0.8),
    "plif": PLIF,
    "klif": KLIF,
    "klif-before": lambda: KLIF(klif_form="before_charge"),
    "ttfs": TTFS,
}
IMAGES = [name for name in files("encoding") if name != "events"]


@pytest.mark.parametrize("contract", neuron.CONTRACTS)
@pytest.mark.parametrize("make", NEURONS.values(), ids=NEURONS)
def test_neurons_that_ship(contract, make):
    contract(make)


@pytest.mark.parametrize("contract", encoding.CONTRACTS)
@pytest.mark.parametrize("name", IMAGES)
def test_encodings_that_ship(contract, name):
    config = composed(f"encoding={name}").config
    contract(lambda: component(config, "encoding")(in_channels=3))


@pytest.mark.parametrize("contract", decoding.CONTRACTS)
@pytest.mark.parametrize("name", files("decoding"))
def test_decodings_that_ship(contract, name):
    config = composed(f"decoding={name}").config
    contract(lambda: component(config, "decoding"))


@pytest.mark.parametrize("contract", loss.CONTRACTS)
@pytest.mark.parametrize("name", files("loss"))
def test_losses_that_ship(contract, name):
    config = composed(f"loss={name}").config
    contract(lambda: component(config, "loss"))


@pytest.mark.parametrize("contract", loss.CONTRACTS)
def test_a_loss_that_reads_every_step(contract):
    contract(TET)


@pytest.mark.parametrize("contract", norm.CONTRACTS)
@pytest.mark.parametrize("make", [Batch, NoNorm, TDBN, partial(TEBN, timesteps=4), partial(BNTT, timesteps=4)])
def test_norms_that_ship_or_are_published(contract, make):
    contract(make)


class Forgets(LIF):
    """Keeps a number that no reset knows of."""

    total = 0.0

    def charge(self, x, v):
        self.total = self.total + x.detach().mean()
        return super().charge(x, v) + self.total


class Peeks(LIF):
    """Looks at the whole sequence."""

    def sequence(self, x, state):
        return super().sequence(x - x.mean(0), state)


class Mixes(LIF):
    """Looks at the other samples."""

    def charge(self, x, v):
        return super().charge(x - x.mean(0), v)


class First(LIF):
    """Treats the first sample as something else."""

    def charge(self, x, v):
        return super().charge(torch.cat([0 * x[:1], x[1:]]), v)


class Unused(LIF):
    """Has a parameter that nothing reads."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))


class Infinite(LIF):
    """Divides by what it has not."""

    def charge(self, x, v):
        return super().charge(x, v) + 0 * x.abs().sqrt()


class Graded(LIF):
    """Gives more than one at once."""

    def fire(self, h, state):
        return 2 * super().fire(h, state)


class Silent(LIF):
    def fire(self, h, state):
        return 0 * super().fire(h, state)


class Steps(Node):
    """Forgets its state at the end of a sequence, and so tells a part from the whole."""

    def charge(self, x, v):
        return v + x

    def sequence(self, x, state):
        h, s, state = super().sequence(x, state)
        return h, s, self.State(torch.zeros_like(state.v))


WRONG = [
    (neuron.reset, Forgets, r"^Forgets: must give the same spikes again after reset\(\); got others in \d+ of \d+ places$"),
    (neuron.causality, Peeks, r"^Peeks: must give the same spikes up to step 1 whatever comes later; got others"),
    (neuron.chunks, Steps, r"^Steps: must give the spikes of the whole sequence when it is cut after step 1; got others"),
    (neuron.batch_of_one, Mixes, r"^Mixes: must give a sample alone the spikes that it has in a batch; got others"),
    (neuron.order_of_samples, First, r"^First: must not mind the order of the samples of a batch; got others"),
    (neuron.gradients, Unused, r"^Unused: must pass a gradient to gain with input that makes it fire; got none$"),
    (neuron.gradients, Infinite, r"^Infinite: must pass a finite gradient to its input with no input at all; got inf or nan$"),
    (neuron.spikes, Graded, r"^Graded: must give spikes that are 0 or 1; got \[0.0, 2.0\]$"),
    (neuron.spikes, Silent, r"^Silent: must fire at some inputs and be silent at others; got neither at any scale$"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG, ids=lambda one: getattr(one, "__name__", ""))
def test_a_neuron_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_a_kernel_that_is_not_the_definition(monkeypatch):
    """The one for real would have to be wrong: here the definition is, so that the two differ."""
    monkeypatch.setattr(LIF, "sequence", lambda self, x, state: Node.sequence(self, -x, state))
    with pytest.raises(AssertionError, match=r"^LIF: must give on numba the spikes of its definition; got others"):
        neuron.fused(LIF)


class Backwards(Repeat):
    def forward(self, x):
        return super().forward(x).transpose(0, 1)


class Noisy(Repeat):
    def forward(self, x):
        return super().forward(x) + torch.rand(())


class Both(MeanLogits):
    def forward(self, spikes):
        return super().forward(spikes) - super().forward(spikes).mean(0)


class Whole(Batch):
    """Subtracts the mean over all samples and steps, also in a test."""

    def forward(self, x):
        return super().forward(x) - x.mean()


class OverTime(Batch):
    def forward(self, x):
        return super().forward(x) - x.mean(0)


class Learns(Batch):
    def forward(self, x):
        self.train()
        return super().forward(x)


class Idle(Batch):
    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("contract", "make", "message"),
    [
        (norm.shape, Idle, "^Idle: must pass a gradient to weight; got none$"),
        (norm.batch_of_one, Whole, "^Whole: must normalise a sample alone as in a batch, once it is tested; got other values$"),
        (norm.causality, OverTime, "^OverTime: must not look at later steps, once it is tested; got other values$"),
        (norm.frozen, Learns, "^Learns: must leave running_mean alone, once it is tested; got another value$"),
        (encoding.shape, lambda: Backwards(timesteps=4, in_channels=1), r"must give \[T, B, out_channels\], \[4, 3, 1\]; got"),
        (encoding.repetition, lambda: Noisy(timesteps=4, in_channels=1), "must give the same in every evaluation"),
        (decoding.shape, nn.Identity, r"^Identity: must make scores \[B, K\], \[3, 10\]; got \[4, 3, 10\]$"),
        (decoding.batch_of_one, Both, "^Both: must give a sample alone the scores that it has in a batch"),
        (loss.number, lambda: nn.CrossEntropyLoss(reduction="none"), "^CrossEntropyLoss: must give one finite number; got"),
    ],
)
def test_other_components_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)

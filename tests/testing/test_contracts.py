"""The contracts of `snnx.testing`: all our components fulfil them, and components with one mistake each do not."""

from functools import partial

import pytest
import torch
from composing import composed
from published_losses import TET
from published_norms import BNTT, TDBN, TEBN
from torch import nn

from snnx.backbone.convnet import ConvNet
from snnx.decoding.mean_logits import MeanLogits
from snnx.encoding.repeat import Repeat
from snnx.method.direct import Direct
from snnx.metric.metric import Metric
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
from snnx.scheduler.constant import Constant
from snnx.testing import decoding, encoding, loss, method, metric, neuron, norm

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
def test_our_neurons(contract, make):
    contract(make)


@pytest.mark.parametrize("contract", encoding.CONTRACTS)
@pytest.mark.parametrize("name", IMAGES)
def test_our_encodings(contract, name):
    config = composed(f"encoding={name}").config
    contract(lambda: component(config, "encoding")(in_channels=3))


@pytest.mark.parametrize("contract", decoding.CONTRACTS)
@pytest.mark.parametrize("name", files("decoding"))
def test_our_decodings(contract, name):
    config = composed(f"decoding={name}").config
    contract(lambda: component(config, "decoding"))


@pytest.mark.parametrize("contract", loss.CONTRACTS)
@pytest.mark.parametrize("name", files("loss"))
def test_our_losses(contract, name):
    config = composed(f"loss={name}").config
    contract(lambda: component(config, "loss"))


@pytest.mark.parametrize("contract", loss.CONTRACTS)
def test_a_loss_that_reads_every_step(contract):
    contract(TET)


@pytest.mark.parametrize("contract", norm.CONTRACTS)
@pytest.mark.parametrize("make", [Batch, NoNorm, TDBN, partial(TEBN, timesteps=4), partial(BNTT, timesteps=4)])
def test_our_norms_and_published_ones(contract, make):
    contract(make)


class Forgets(LIF):
    """Has a state that reset does not reset."""

    total = 0.0

    def charge(self, x, v):
        self.total = self.total + x.detach().mean()
        return super().charge(x, v) + self.total


class Peeks(LIF):
    """Uses the mean over the whole sequence."""

    def sequence(self, x, state):
        return super().sequence(x - x.mean(0), state)


class Mixes(LIF):
    """Uses the mean over all samples."""

    def charge(self, x, v):
        return super().charge(x - x.mean(0), v)


class First(LIF):
    """Ignores the input of the first sample."""

    def charge(self, x, v):
        return super().charge(torch.cat([0 * x[:1], x[1:]]), v)


class Unused(LIF):
    """Has a parameter that it does not use."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))


class Infinite(LIF):
    """Has an infinite derivative at zero input."""

    def charge(self, x, v):
        return super().charge(x, v) + 0 * x.abs().sqrt()


class Graded(LIF):
    """Fires spikes of size 2."""

    def fire(self, h, state):
        return 2 * super().fire(h, state)


class Silent(LIF):
    """Never fires."""

    def fire(self, h, state):
        return 0 * super().fire(h, state)


class Steps(Node):
    """Resets its state at the end of every sequence."""

    def charge(self, x, v):
        return v + x

    def sequence(self, x, state):
        h, s, state = super().sequence(x, state)
        return h, s, self.State(torch.zeros_like(state.v))


WRONG = [
    (neuron.reset, Forgets, r"^Forgets: must give the same spikes again after reset\(\); got \d+ of \d+ that differ$"),
    (neuron.causality, Peeks, r"^Peeks: must give the same spikes up to step 1 for any later input; got \d+ of"),
    (neuron.chunks, Steps, r"^Steps: must give the spikes of the whole sequence if it is split after step 1; got \d+ of"),
    (neuron.batch_of_one, Mixes, r"^Mixes: must give a sample the same spikes alone and in a batch; got \d+ of"),
    (neuron.order_of_samples, First, r"^First: must not depend on the order of samples in a batch; got \d+ of"),
    (neuron.gradients, Unused, r"^Unused: must pass a gradient to gain for input that makes it fire; got none$"),
    (neuron.gradients, Infinite, r"^Infinite: must pass a finite gradient to its input for zero input; got inf or nan$"),
    (neuron.spikes, Graded, r"^Graded: must return spikes that are 0 or 1; got \[0.0, 2.0\]$"),
    (neuron.spikes, Silent, r"^Silent: must fire for some inputs and not for others; got no input with both$"),
]


@pytest.mark.parametrize(("contract", "make", "message"), WRONG, ids=lambda value: getattr(value, "__name__", ""))
def test_a_neuron_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


def test_a_kernel_that_differs_from_the_definition(monkeypatch):
    """The test changes the definition, because the kernel, which is compiled, cannot be changed as easily."""
    monkeypatch.setattr(LIF, "sequence", lambda self, x, state: Node.sequence(self, -x, state))
    with pytest.raises(AssertionError, match=r"^LIF: must give the spikes of its definition on numba; got \d+ of"):
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
    """Subtracts the mean over all samples and steps, also in evaluation."""

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
        (norm.batch_of_one, Whole, "^Whole: must normalise a sample in the same way alone and in a batch, in evaluation; got"),
        (norm.causality, OverTime, "^OverTime: must not depend on later time steps, in evaluation; got different values$"),
        (norm.frozen, Learns, "^Learns: must not change running_mean in evaluation; got another value$"),
        (encoding.shape, lambda: Backwards(timesteps=4, in_channels=1), r"must return \[T, B, .*\] = \[4, 3, 1\]; got"),
        (encoding.repetition, lambda: Noisy(timesteps=4, in_channels=1), "must return the same in every evaluation"),
        (decoding.shape, nn.Identity, r"^Identity: must return scores \[B, K\] = \[3, 10\]; got \[4, 3, 10\]$"),
        (decoding.batch_of_one, Both, "^Both: must give a sample the same scores alone and in a batch; got different ones$"),
        (loss.number, lambda: nn.CrossEntropyLoss(reduction="none"), "^CrossEntropyLoss: must return one finite number; got"),
    ],
)
def test_other_components_with_a_mistake(contract, make, message):
    with pytest.raises(AssertionError, match=message):
        contract(make)


class Counts(Metric):
    """Measures one value for each step and sample; the broken metrics change what it measures."""

    over_samples = {"count": "mean"}

    def measure(self, h, s, node):
        return {"count": s.flatten(2).sum(2).float()}


class Nothing(Metric):
    over_samples = {}


class Endless(Counts):
    def measure(self, h, s, node):
        return {"count": (1 + s.flatten(2).sum(2).float()) / 0}


class Erases(Counts):
    """Sets the spikes to 0."""

    def measure(self, h, s, node):
        return {"count": s.zero_().flatten(2).sum(2)}


class Stays(Counts):
    """Leaves its hooks on the layers."""

    def begin(self, network):
        for module in network.modules():
            module.register_forward_hook(lambda *_: None)


class Sized(Counts):
    """Depends on the size of the batch."""

    def measure(self, h, s, node):
        return {"count": torch.full(s.shape[:2], float(s.shape[1]))}


class Adds(Counts):
    """Keeps the number of calls from one test to the next."""

    def __init__(self):
        self.calls = 0

    def measure(self, h, s, node):
        self.calls += 1
        return {"count": torch.full(s.shape[:2], float(self.calls > 4))}


@pytest.mark.parametrize(
    ("contract", "make", "message"),
    [
        (metric.numbers, Nothing, "^Nothing: must give a curve in a test; got none$"),
        (metric.numbers, Endless, "^Endless: must give no infinite value; got one in test/count/stages.sn1$"),
        (metric.unchanged, Erases, "^Erases: must leave the scores as they are; got others$"),
        (metric.hooks, Stays, "^Stays: must remove its hooks and probes after the test; got one left in"),
        (
            metric.batches,
            Sized,
            "^Sized: must give the same in two batches as in one; got other values in test/count/stages.sn1$",
        ),
        (metric.repetition, Adds, "^Adds: must give the same in a second test; got other values in test/count/stages.sn1$"),
    ],
)
def test_a_metric_with_a_mistake(contract, make, message):
    metric.numbers(Counts)
    with pytest.raises(AssertionError, match=message):
        contract(make)


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


@pytest.mark.parametrize(
    ("contract", "kind", "message"),
    [
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
    ],
)
def test_a_method_with_a_mistake(contract, kind, message):
    made = partial(
        kind, encoding=partial(Repeat, timesteps=4), neuron=partial(LIF, v_threshold=0.1),
        backbone=partial(ConvNet, channels=[4]), decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={},
        optimizer=torch.optim.Adam, scheduler=Constant, in_shape=(1, 8, 8), classes=3,
    )  # fmt: skip
    with pytest.raises(AssertionError, match=message):
        contract(made)

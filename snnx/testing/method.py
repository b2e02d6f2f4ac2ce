"""The contracts of every method, as functions that any test can call."""

from collections.abc import Callable

import pytorch_lightning as pl
import torch
from torch import Tensor

from snnx.method.base import Method
from snnx.testing.close import close
from snnx.testing.must import must
from snnx.testing.random_images import CLASSES, SAMPLES, RandomImages, evaluate, train

Make = Callable[[], Method]


def scores(make: Make) -> None:
    """Images give finite scores `[B, K]`; a batch does not affect the next one, and a sample does not affect another.

    Args:
        make: builds the method for images `[1, 8, 8]` of three classes; the other contracts take the same.

    Raises:
        AssertionError: the contract is broken; one line says what must hold. This is the same for all contracts.

    Example:
        >>> from functools import partial
        >>> from torch import nn
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.decoding.mean_logits import MeanLogits
        >>> from snnx.encoding.repeat import Repeat
        >>> from snnx.method.direct import Direct
        >>> from snnx.neuron.lif import LIF
        >>> from snnx.scheduler.constant import Constant
        >>> make = partial(
        ...     Direct, encoding=partial(Repeat, timesteps=4), neuron=LIF, backbone=partial(ConvNet, channels=[4]),
        ...     decoding=MeanLogits(), loss=nn.CrossEntropyLoss(), metric={}, optimizer=partial(torch.optim.Adam, lr=0.01),
        ...     scheduler=Constant, in_shape=(1, 8, 8), classes=3,
        ... )
        >>> for contract in CONTRACTS:
        ...     contract(make)
    """
    method = _made(make).eval()
    images = RandomImages().samples.tensors[0]
    first = _scores(method, images)
    must(list(first.shape) == [SAMPLES, CLASSES], method, f"give scores [B, K], {[SAMPLES, CLASSES]}; got {list(first.shape)}")
    must(bool(first.isfinite().all()), method, "give finite scores; got inf or nan")
    _scores(method, 1 - images)
    must(close(_scores(method, images), first), method, "give the same scores after another batch; got others")
    for sample in range(SAMPLES):
        same = close(_scores(method, images[sample : sample + 1]), first[sample : sample + 1])
        must(same, method, "give a sample alone the scores that it has in a batch; got others")


def training(make: Make) -> None:
    """An epoch of training changes parameters; their gradients are finite."""
    method = _made(make)
    before = {name: p.detach().clone() for name, p in method.named_parameters()}

    def look(*_: object) -> None:
        for name, p in method.named_parameters():
            finite = p.grad is None or bool(p.grad.isfinite().all())
            must(finite, method, f"give {name} a finite gradient in training; got inf or nan")

    train(method, RandomImages(), pl.callbacks.LambdaCallback(on_after_backward=look))
    changed = any(not torch.equal(p, before[name]) for name, p in method.named_parameters())
    must(changed, method, "change a parameter in training; got the same parameters")


def seeds(make: Make) -> None:
    """The same seed gives the same parameters after training."""
    found = []
    for _ in range(2):
        method = _made(make)
        train(method, RandomImages())
        found.append(method.state_dict())
    for name, value in found[0].items():
        must(torch.equal(value, found[1][name]), method, f"train {name} alike from the same seed; got another value")


def evaluation(make: Make) -> None:
    """A test changes neither parameters nor buffers, and a second test gives the same numbers."""
    method = _made(make)
    trainer = train(method, RandomImages())
    before = {name: value.clone() for name, value in method.state_dict().items()}
    found = [evaluate(trainer, method, RandomImages()) for _ in range(2)]
    for name, value in method.state_dict().items():
        must(torch.equal(value, before[name]), method, f"keep {name} in a test; got another value")
    for key, value in found[0].items():
        must(found[1][key] == value, method, f"give the same {key} in a second test; got {found[1][key]} after {value}")


def checkpoint(make: Make) -> None:
    """Another method of the same make with the same `state_dict` gives the same scores: all that it learns is in there."""
    method = _made(make)
    train(method, RandomImages())
    other = _made(make, seed=1)
    other.load_state_dict(method.state_dict())
    images = RandomImages().samples.tensors[0]
    same = close(_scores(other.eval(), images), _scores(method.eval(), images))
    must(same, method, "give the same scores after its state_dict is loaded into a new one; got others")


CONTRACTS = (scores, training, seeds, evaluation, checkpoint)
"""All contracts, for `pytest.mark.parametrize`."""


def _made(make: Make, seed: int = 0) -> Method:
    torch.manual_seed(seed)
    return make()


def _scores(method: Method, images: Tensor) -> Tensor:
    method.encoding.begin_evaluation()
    with torch.no_grad():
        return method(images)

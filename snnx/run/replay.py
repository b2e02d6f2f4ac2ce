"""Trains the beginning of a recorded run again, and compares its losses to the recorded ones."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint

from snnx.method.base import Method
from snnx.run.allocator import keep_memory
from snnx.run.bound import bound
from snnx.run.build import build_data, build_method, build_trainer
from snnx.run.callback.first_losses import FirstLosses
from snnx.run.callback.reseed import Reseed
from snnx.run.cards import take
from snnx.run.on_one_device import on_one_device
from snnx.run.steps_done import StepsDone

FACTOR = 2.0
"""Later losses may also differ by this factor times the largest effect of the changed weights.

It is a margin: another machine may have a larger effect than the few random changes that are tried.
"""
DRAWS = 3
"""Number of trainings with changed weights; each draws the changes anew."""
LAST_DIGITS = 2.0**-21
"""Largest relative change of a weight: four units in the last place of float32.

A sum that is formed in another order differs by about as much. The images are not changed in place of the weights, because
changing their last bit moves no spike on digits, where another order of the sums does.
"""


@dataclass(frozen=True)
class Comparison:
    """The recorded losses, those of a new training, and the largest differences that are allowed; all of the same length."""

    recorded: Sequence[float]
    now: Sequence[float]
    tolerance: Sequence[float]

    @property
    def agrees(self) -> bool:
        """Whether every difference is within its tolerance."""
        return all(found <= allowed for found, allowed in zip(self.differences, self.tolerance, strict=True))

    @property
    def differences(self) -> list[float]:
        """The absolute difference of each loss."""
        return [abs(then - now) for then, now in zip(self.recorded, self.now, strict=True)]

    def told(self, what: str) -> str:
        """Say by how much `what` differs, at the step whose difference is the largest part of its tolerance."""
        pairs = zip(self.differences, self.tolerance, strict=True)
        shares = [found / allowed if allowed else found for found, allowed in pairs]
        step = max(range(len(shares)), key=lambda k: shares[k])
        verb = "differs" if what.startswith("the ") else "differ"
        return f"{what} {verb} by at most {self.differences[step]:.2g}, where {self.tolerance[step]:.2g} is allowed"


def replay(config: dict, recorded: Sequence[float], *, by_epoch: bool = False, recorded_on: str = "cpu") -> Comparison:
    """Train again from the start for as many steps as there are recorded losses, and compare.

        tolerance[0] = bound * |recorded[0]|
        tolerance[k] = bound * |recorded[k]| + 2 * max over j <= k of |nudged[j] - now[j]|      for k > 0

    The bound is that of the precision and of the two devices, see `bound`. A mean over an epoch has the tolerance of k > 0.
    `nudged` are the losses of three further trainings, whose initial weights are changed at random by up to four units in the
    last place. A spiking network is not continuous: such a change can move a spike and with it all later losses, just as sums
    in another order on another machine do. These trainings are made only if the losses differ by more than the bound, so on the
    machine of the record the first comparison usually decides.

    Args:
        config: a resolved configuration as plain dicts.
        recorded: losses of the first steps, or the mean loss of the first epoch.
        by_epoch: whether `recorded` is the mean loss of the first epoch.
        recorded_on: the device of the record, as its result describes it.

    Raises:
        NoData: the data set is not on this machine.
    """
    train = _first_epoch if by_epoch else partial(_first_steps, steps=len(recorded))
    now = train(config, draw=None)
    plain = Comparison(recorded, now, [bound(config, recorded_on) * abs(loss) for loss in recorded])
    if plain.agrees:
        return plain
    return Comparison(recorded, now, _widened(plain, [train(config, draw=draw) for draw in range(DRAWS)]))


def _widened(plain: Comparison, nudged: list[list[float]]) -> list[float]:
    """Return the tolerances plus the effect of the nudged weights, which does not count for the first of several losses."""
    found, effect = [], 0.0
    for step, allowed in enumerate(plain.tolerance):
        effect = max(effect, *(abs(losses[step] - plain.now[step]) for losses in nudged))
        found.append(allowed + (FACTOR * effect if step or len(plain.tolerance) == 1 else 0.0))
    return found


class _Until(pl.Callback):
    """Ends the training after the given number of steps."""

    def __init__(self, first: FirstLosses, steps: int) -> None:
        self.first, self.steps = first, steps

    def on_train_batch_end(self, *_: object) -> None:
        if self.first.count >= self.steps:
            raise StepsDone


class _Epoch(Checkpoint):
    """Ends the training after the first epoch and keeps its mean loss.

    It is a `Checkpoint` because Lightning calls checkpoint callbacks after the module's own epoch end, which logs the mean.
    """

    def __init__(self) -> None:
        self.loss: list[float] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.loss = [float(trainer.callback_metrics["train/loss"])]
        raise StepsDone


def _first_steps(config: dict, *, steps: int, draw: int | None) -> list[float]:
    first = FirstLosses()
    _train(config, [first, _Until(first, steps)], draw)
    return first.losses[:steps]


def _first_epoch(config: dict, *, draw: int | None) -> list[float]:
    epoch = _Epoch()
    _train(config, [epoch], draw)
    return epoch.loss


def _train(config: dict, callbacks: list[pl.Callback], draw: int | None) -> None:
    data, method, trainer = built(config, callbacks)
    if draw is not None:
        nudge(method, draw)
    with suppress(StepsDone):
        trainer.fit(method, datamodule=data)


def built(config: dict, callbacks: Sequence[pl.Callback] = ()) -> tuple[pl.LightningDataModule, Method, pl.Trainer]:
    """Build data, method and trainer as the recorded run did, on one device."""
    config = on_one_device(config)
    take(config["trainer"])
    keep_memory()
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    data = build_data(config)
    data.setup()
    method = build_method(config, data)
    watching = [metric for metric in method.metrics.values() if isinstance(metric, pl.Callback)]
    return data, method, build_trainer(config, "replay", Path(), callbacks=[Reseed(config["seed"]), *watching, *callbacks])


@torch.no_grad()
def nudge(method: Method, draw: int) -> None:
    """Change each weight at random by up to four units in the last place; the number of the draw decides how."""
    generator = torch.Generator().manual_seed(draw)
    for p in method.parameters():
        p.mul_(1 + LAST_DIGITS * (2 * torch.rand(p.shape, generator=generator, dtype=torch.float64) - 1).to(p))

"""Trains the beginning of a recorded run again, and says whether the present code still gives the recorded losses."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytorch_lightning as pl
import torch

from snnx.run.allocator import keep_memory
from snnx.run.build import build_data, build_method, build_trainer
from snnx.run.callback.first_losses import FirstLosses
from snnx.run.callback.reseed import Reseed

BOUNDS = {"32-true": 1e-5, "bf16-mixed": 2e-2}
"""By precision: how far the first loss of another machine may be from the recorded one, as a share of it.

Sums of a few thousand products in another order differ by some 1e-6 in float32; one rounding to bfloat16 is 4e-3."""
OTHERWISE = 2e-2
FACTOR = 2.0
"""Later losses may be this many times as far apart as two trainings whose inputs differ in the last place."""


class Enough(Exception):
    """Raised to end the training when enough losses are known."""


@dataclass(frozen=True)
class Comparison:
    """The recorded losses, the losses computed now, and the allowed difference of each; all three have the same length."""

    recorded: Sequence[float]
    now: Sequence[float]
    tolerance: Sequence[float]

    @property
    def holds(self) -> bool:
        """Whether every difference is within its tolerance."""
        return all(apart <= allowed for apart, allowed in zip(self.apart, self.tolerance, strict=True))

    @property
    def apart(self) -> list[float]:
        return [abs(then - now) for then, now in zip(self.recorded, self.now, strict=True)]


def replay(config: dict, recorded: Sequence[float], *, by_epoch: bool = False) -> Comparison:
    """Train again from the start, for as many steps as there are recorded losses, and compare the losses.

        tolerance[k] = bound * |recorded[k]| + 2 * max over j <= k of |nudged[j] - now[j]|      for k > 0
        tolerance[0] = bound * |recorded[0]|;   with `by_epoch`, the formula for k > 0 holds at k = 0 too

    `nudged` are the losses of two further trainings whose images are moved by one unit in the last place, in one towards 1 and
    in the other towards 0. A spiking network is not continuous, so a change this small can change its spikes. Its effect shows
    how much the losses may differ on another machine, where sums are taken in another order. The two trainings are done only
    if some difference is larger than the bound alone.

    Args:
        config: the resolved configuration as plain dicts.
        recorded: losses of the first steps, or the mean loss of the first epoch.
        by_epoch: whether `recorded` is the single mean loss of the first epoch.

    Raises:
        NoData: the data set is not on this machine.
    """
    take = _first_epoch if by_epoch else partial(_first_steps, steps=len(recorded))
    now = take(config, nudge=None)
    bound = BOUNDS.get(str(config["trainer"].get("precision", "32-true")), OTHERWISE)
    plain = Comparison(recorded, now, [bound * abs(loss) for loss in recorded])
    return plain if plain.holds else Comparison(recorded, now, _widened(plain, [take(config, nudge=to) for to in (1.0, 0.0)]))


def _widened(plain: Comparison, nudged: list[list[float]]) -> list[float]:
    """Add the largest effect of the nudges so far to each step's tolerance, except to the first one if there are several."""
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
        if len(self.first.losses) >= self.steps:
            raise Enough


class _Epoch(pl.Callback):
    """Ends the training after its first epoch, and keeps the mean loss of that epoch."""

    def __init__(self) -> None:
        self.loss: list[float] = []

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._end(pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._end(pl_module)

    def _end(self, pl_module: pl.LightningModule) -> None:
        total, _, samples, _ = pl_module._sums["train"].tolist()
        self.loss = [total / samples]
        raise Enough


def _first_steps(config: dict, *, steps: int, nudge: float | None) -> list[float]:
    first = FirstLosses()
    _train(config, [first, _Until(first, steps)], nudge)
    return first.losses[:steps]


def _first_epoch(config: dict, *, nudge: float | None) -> list[float]:
    epoch = _Epoch()
    _train(config, [epoch], nudge)
    return epoch.loss


def _train(config: dict, callbacks: list[pl.Callback], nudge: float | None) -> None:
    keep_memory()
    pl.seed_everything(config["seed"], workers=True, verbose=False)
    data = build_data(config)
    data.setup()
    method = build_method(config, data)
    if nudge is not None:
        method.register_forward_pre_hook(_nudged(nudge))
    watching = [metric for metric in method.metrics.values() if isinstance(metric, pl.Callback)]
    trainer = build_trainer(config, "replay", Path(), callbacks=[Reseed(config["seed"]), *watching, *callbacks])
    with suppress(Enough):
        trainer.fit(method, datamodule=data)


def _nudged(toward: float) -> Callable:
    def move(method: pl.LightningModule, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        (images,) = inputs
        return (torch.nextafter(images, torch.full_like(images, toward)),)

    return move

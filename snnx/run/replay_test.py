"""Tests a recorded run again, with the weights that were kept, and compares its numbers to the recorded ones."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snnx.record.checkpoint import epochs, load, path_of
from snnx.record.run_folder import reject_links
from snnx.run.bound import bound
from snnx.run.replay import DRAWS, FACTOR, built, nudge
from snnx.run.test import run_test


@dataclass(frozen=True)
class TestComparison:
    """The numbers of a test now and as recorded, and by how much each may differ."""

    __test__ = False  # for pytest, which collects classes of this name

    recorded: Mapping[str, float]
    now: Mapping[str, float]
    tolerance: Mapping[str, float]

    @property
    def worst(self) -> str:
        """The key whose difference is the largest part, or multiple, of its tolerance."""
        return max(self.now, key=lambda key: self._difference(key) / (self.tolerance[key] or math.ulp(0.0)))

    @property
    def agrees(self) -> bool:
        """Whether every difference is within its tolerance."""
        return all(self._difference(key) <= self.tolerance[key] for key in self.now)

    def __str__(self) -> str:
        key = self.worst
        what = f"{len(self.now)} numbers of the test differ by at most"
        return f"{what} {self._difference(key):.2g} in {key}, where {self.tolerance[key]:.2g} is allowed"

    def _difference(self, key: str) -> float:
        return abs(self.now[key] - self.recorded[key])


def weights_of(run: Path) -> Path | None:
    """Return the checkpoint of the last epoch in a run's folder; `None` if it was removed or the folder is not here.

    Raises:
        ValueError: see `reject_links`.
    """
    reject_links(run)
    kept = epochs(run / "ckpt")
    return path_of(run / "ckpt", kept[0]) if kept else None


def replay_test(
    config: dict, recorded: Mapping[str, float | None], checkpoint: Path | None, *, recorded_on: str = "cpu"
) -> TestComparison:
    """Test once more, and compare the numbers of the last epoch, whose keys begin with `test/` and have no further ending.

        tolerance = bound * |recorded| + 2 * max |nudged - now|

    `nudged` are the numbers of three tests whose weights are changed at random in their last digits, as in `replay`. These
    tests are made only if a number differs by more than the bound.

    Args:
        config: a resolved configuration as plain dicts.
        recorded: the metrics of the record. Numbers that a metric took from the training are left out, and so are values that
            are not finite.
        checkpoint: the weights; `None` for a run that was not trained, whose network has its initial weights.
        recorded_on: the device of the record, as its result describes it.

    Raises:
        NoData: the data set is not on this machine.
    """
    found = _tested(config, checkpoint, None)
    both = [key for key in found if key.startswith("test/") and _finite(found[key]) and _finite(recorded.get(key))]
    now, then = ({key: float(values[key]) for key in both} for values in (found, recorded))
    share = bound(config, recorded_on)
    plain = TestComparison(then, now, {key: share * abs(value) for key, value in then.items()})
    if plain.agrees:
        return plain
    others = [_tested(config, checkpoint, draw) for draw in range(DRAWS)]
    effect = {key: max(abs(other[key] - value) for other in others) for key, value in now.items()}
    return TestComparison(then, now, {key: allowed + FACTOR * effect[key] for key, allowed in plain.tolerance.items()})


def _tested(config: dict, checkpoint: Path | None, draw: int | None) -> dict[str, float]:
    data, method, trainer = built(config)
    if checkpoint is not None:
        method.load_state_dict(load(checkpoint, None)["state_dict"])
    if draw is not None:
        nudge(method, draw)
    logged, recorder = run_test(trainer, method, data)
    return {**logged, **recorder.scalars()}


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)

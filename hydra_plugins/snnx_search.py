"""The search of one row of a sweep: the runs of its trials, the run of its winner, and what is known of it afterwards."""

# No `from __future__ import annotations` here: see snnx_local.py.
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override

from hydra_plugins.snnx_override import override_text
from hydra_plugins.snnx_study import Study, distribution

FIRST_SEED = 1000  # of a trial; a sweep's own seeds are below, so that a winner runs on seeds that did not choose it
VALIDATION = 0.1  # share of the training part that is held out for a search, if the row itself has no validation part
EDGE = 0.05  # a chosen number in this share of its range, counted from an end, lies at the edge


class Search:
    """Writes the overrides of the runs of one row's search.

    Args:
        sweep, row: the name of the sweep and the label of the row.
        tune: the sweep file's `snnx.options.tune.Tune`.
        space: the search space as parsed overrides, by key.
        fixed: the command line's other overrides, by key.
        compose: composes a run from overrides, and returns it as `snnx.record.job.Job`.
        pruner: Optuna's pruner as a node with `_target_`, or `None`.
    """

    def __init__(
        self,
        sweep: str,
        row: str,
        *,
        tune: Any,
        space: dict[str, Override],
        fixed: dict[str, str],
        compose: Callable[[list[str]], Any],
        pruner: Any,
    ) -> None:
        self.row, self.tune, self.space, self.fixed = row, tune, space, fixed
        self.pruner = pruner if len(tune.objectives) == 1 else None  # Optuna prunes by one objective only
        own = compose([*fixed.values(), f"row={row}"]).config
        self.budget = {"budget.epochs": f"budget.epochs={_short(own['budget']['epochs'] * tune.epochs)}"}
        if not own["dataset"].get("validation", 1):
            self.budget["dataset.validation"] = f"dataset.validation={VALIDATION}"
        trial = compose(self._words({}, FIRST_SEED))
        self.epochs = max(1, round(trial.config["trainer"]["max_epochs"] * trial.config["budget"]["epochs"]))
        named = json.dumps([trial.group, sorted(tune.keys.items()), tune.seeds, tune.objectives])
        self.name = f"{sweep}-{row}-{hashlib.sha256(named.encode()).hexdigest()[:12]}"

    @property
    def seeds(self) -> list[int]:
        """The seeds of each trial."""
        return [FIRST_SEED + number for number in range(self.tune.seeds)]

    def open(self, folder: Path, storage: Any, sampler: Any, seed: int) -> Study:
        """Create the search's study, or open it if it exists."""
        self.storage = storage
        directions = ["maximize", "minimize"][: len(self.tune.objectives)]
        space = {key: distribution(override) for key, override in self.space.items()}
        self.study = Study(self.name, folder, storage=storage, sampler=sampler, seed=seed, directions=directions, space=space)
        return self.study

    def trial(self, number: int, values: dict, seed: int) -> list[str]:
        """Return the overrides of one run of a trial; the run of the first seed reports to the study."""
        pruner = self.pruner if seed == FIRST_SEED else None
        search = {"study": self.name, "trial": number, "storage": self.storage, "pruner": pruner}
        return [*self._words(values, seed), f"search={override_text(search)}"]

    def winner(self, values: dict, seed: int, facts: dict) -> list[str]:
        """Return the overrides of a run with the chosen values, with the row's own epochs and validation."""
        words = [f"{key}={value}" for key, value in values.items()]
        return [*self.fixed.values(), f"row={self.row}", *words, f"seed={seed}", f"tuned={override_text(facts)}"]

    def planned(self, seeds: Sequence[int]) -> list[list[str]]:
        """Return the overrides of as many runs as the search and its winner can take, with the row's own values."""
        self.storage = self.pruner = None
        facts = {"study": self.name, "trials": self.tune.trials, "values": dict.fromkeys(self.tune.keys)}
        trials = [self.trial(number, {}, seed) for number in range(self.tune.trials) for seed in self.seeds]
        return [*trials, *(self.winner({}, seed, facts) for seed in seeds)]

    def objectives(self, outcomes: Sequence[dict]) -> list[float] | None:
        """Return the means of the objectives over the runs of a trial; `None` if a run has no finite value for one.

        Raises:
            ValueError: a run does not measure one of them.
        """
        for key in self.tune.objectives:
            if unknown := next((one["metrics"] for one in outcomes if key not in one["metrics"]), None):
                known = ", ".join(sorted(name for name in unknown if name.startswith("val/")))
                raise ValueError(f"objectives of tune must be among {known}; got {key}, which row {self.row} does not measure")
        values = [[one["metrics"][key] for one in outcomes] for key in self.tune.objectives]
        finite = all(value is not None and math.isfinite(value) for some in values for value in some)
        return [sum(some) / len(some) for some in values] if finite else None

    def best(self) -> tuple[dict, dict] | None:
        """Return the values of the trial with the highest accuracy, and what is known of the search; `None` if all failed."""
        from optuna.trial import TrialState

        if not (complete := self.study.complete()):
            return None
        best = max(complete, key=lambda trial: (trial.values[0], -trial.number))
        trials = self.study.study.get_trials(deepcopy=False)
        pruned = sum(trial.state is TrialState.PRUNED for trial in trials)
        failed = sum("failed" in trial.user_attrs for trial in trials)
        facts = {
            "study": self.name, "trials": len(complete) + pruned + failed, "pruned": pruned, "failed": failed,
            "epochs": self.epochs, "seeds": self.tune.seeds, "values": best.params, self.tune.objectives[0]: best.values[0],
            "at_edge": {key: self.tune.keys[key] for key in best.params if _at_edge(best.distributions[key], best.params[key])},
        }  # fmt: skip
        if len(self.tune.objectives) == 2:
            front = sorted(self.study.study.best_trials, key=lambda trial: (-trial.values[0], trial.number))
            facts["front"] = [
                {"values": trial.params, "objectives": dict(zip(self.tune.objectives, trial.values, strict=True))}
                for trial in front
            ]
        return best.params, facts

    def _words(self, values: dict, seed: int) -> list[str]:
        fixed = [word for key, word in self.fixed.items() if key not in self.budget]
        chosen = [f"{key}={value}" for key, value in values.items()]
        return [*fixed, f"row={self.row}", *chosen, *self.budget.values(), f"seed={seed}"]


def _short(value: float) -> str:
    return f"{value:.10g}"  # 0.34 * 0.3 without the last digits of its product


def _at_edge(found: Any, value: object) -> bool:
    """Whether a number lies in the outer part of its range, on the scale on which it is drawn; a choice has no edge."""
    if not hasattr(found, "low") or found.low == found.high:
        return False
    low, high, at = (math.log(one) if found.log else one for one in (found.low, found.high, value))
    return min(at - low, high - at) <= EDGE * (high - low)

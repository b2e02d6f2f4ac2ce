"""A hyperparameter search by Optuna whose trials are ordinary runs."""

# No `from __future__ import annotations` here: see snnx_local.py.
import hashlib
import json
import math
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper

from hydra_plugins.snnx_study import Study, distribution, require_optuna


class OptunaSweeper(Sweeper):
    """Ask an Optuna study for overrides, let the launcher run them, and report the metric in `result.json` to the study.

    An interrupted study can be continued, and several workers may share it; see `Study`. A run that failed, diverged or has no
    finite metric counts as a failed trial.

    Args:
        study: name of the study; `None` derives the name from search space, fixed overrides, metric and direction, so that the
            same command line continues the same study.
        metric: the key among a result's metrics to optimise.
        direction: maximize or minimize.
        n_trials: total number of trials, including those of earlier calls and of other workers.
        batch: how many trials are asked for at once, at least 1.
        seed: seed of the sampler; it is combined with the number of trials so far.
        sampler, storage: Optuna's sampler and storage, as nodes with `_target_`.
        params: the search space in Hydra's override syntax; the command line adds to it.

    Raises:
        ValueError: an argument is out of range, there is nothing to search, or a run cannot be built.
        SweepFailed: no trial succeeded.
    """

    def __init__(
        self,
        study: str | None,
        metric: str,
        direction: str,
        n_trials: int,
        batch: int,
        seed: int,
        sampler: Any,
        storage: Any,
        params: Any,
    ) -> None:
        self.name, self.metric, self.direction, self.params = study, metric, direction, dict(params)
        self.n_trials, self.batch, self.seed, self.sampler, self.storage = n_trials, batch, seed, sampler, storage

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        require_optuna("snnx_optuna", sampler=self.sampler, storage=self.storage)
        for key, value in (("n_trials", self.n_trials), ("batch", self.batch)):
            if value < 1:
                raise ValueError(f"hydra.sweeper.{key} must be at least 1; got {value}")
        if self.direction not in ("maximize", "minimize"):
            raise ValueError(f"hydra.sweeper.direction must be maximize or minimize; got {self.direction}")
        self.loader, self.config = hydra_context.config_loader, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        from snnx.sweep.exit_code import SweepFailed

        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        parsed = {o.get_key_element(): o for o in OverridesParser.create(config_loader=self.loader).parse_overrides(words)}
        space = {key: distribution(o) for key, o in parsed.items() if o.is_sweep_override()}
        fixed = [o.input_line for o in parsed.values() if not o.is_sweep_override()]
        if not space:
            raise ValueError(
                f"a search must have something to vary, such as 'neuron.tau=interval(1.5,8)'; got {' '.join(words) or 'none'}"
            )
        named = json.dumps([sorted(map(str, space.items())), sorted(fixed), self.metric, self.direction])
        study = Study(
            self.name or f"snnx-{hashlib.sha256(named.encode()).hexdigest()[:12]}",
            Path(self.config.hydra.sweep.dir) / "optuna",
            storage=self.storage,
            sampler=self.sampler,
            seed=self.seed,
            directions=[self.direction],
            space=space,
        )
        with study.working():
            while trials := study.ask(self.n_trials, self.batch):
                self._do(study, trials, fixed)
        if not (done := study.complete()):
            raise SweepFailed(f"no trial of study {study.name} succeeded")
        best = study.study.best_trial
        values = " ".join(f"{key}={value}" for key, value in best.params.items())
        print(f"best of {len(done)} trials of study {study.name}: {self.metric} {best.value:.4f} with {values}")

    def _do(self, study: Study, trials: list, fixed: list[str]) -> None:
        from snnx.compose.freeze import freeze
        from snnx.record import result_file
        from snnx.record.summary import summary
        from snnx.run import history
        from snnx.sweep.exit_code import SweepFailed

        overrides = [[*fixed, *(f"{key}={value}" for key, value in trial.params.items())] for trial in trials]
        jobs = freeze(self.loader, self.config, overrides)
        try:
            self.launcher.launch(overrides, trials[0].number)
        except SweepFailed:
            pass  # the failed runs have been reported; below they become failed trials
        except ValueError as error:  # a run cannot be built, so another attempt would not help
            for trial in trials:
                study.fail(trial, str(error))
            raise
        for trial, job in zip(trials, jobs, strict=True):
            outcome = history.finished(job) or result_file.read(job.folder)
            trial.set_user_attr("run", job.id)
            if (value := self._value(outcome)) is not None:
                study.tell(trial, [value])
            else:
                study.fail(trial, summary(outcome) if outcome else "wrote no result")

    def _value(self, outcome: dict | None) -> float | None:
        if outcome is None or outcome["status"] != "done":
            return None
        if self.metric not in outcome["metrics"]:
            known = ", ".join(sorted(outcome["metrics"]))
            raise ValueError(f"hydra.sweeper.metric must be one of {known}; got {self.metric}")
        value = outcome["metrics"][self.metric]
        return value if value is not None and math.isfinite(value) else None

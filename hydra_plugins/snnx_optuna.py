"""A hyperparameter search by Optuna whose trials are ordinary runs."""

# No `from __future__ import annotations` here: see snnx_local.py.
import fcntl
import hashlib
import json
import math
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.utils import instantiate


class OptunaSweeper(Sweeper):
    """Ask an Optuna study for overrides, let the launcher run them, and report the metric in `result.json` to the study.

    An interrupted study can be continued. A trial that a dead worker left unfinished is marked as failed, and its values are
    tried again; since they give the same run, that run resumes from its checkpoint. A run that failed, diverged or has no
    finite metric counts as a failed trial. Several workers may share a study.

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
        if find_spec("optuna") is None:
            raise ValueError("hydra/sweeper=snnx_optuna needs optuna, which is not installed; run: pip install 'snnx[optuna]'")
        for key, node in (("sampler", self.sampler), ("storage", self.storage)):
            if not str(node["_target_"]).startswith("optuna."):
                raise ValueError(f"hydra.sweeper.{key}._target_ must be in the package optuna; got {node['_target_']}")
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
        import optuna

        from snnx.record import run_folder
        from snnx.sweep.exit_code import SweepFailed

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        parsed = {o.get_key_element(): o for o in OverridesParser.create(config_loader=self.loader).parse_overrides(words)}
        space = {key: distribution(o) for key, o in parsed.items() if o.is_sweep_override()}
        fixed = [o.input_line for o in parsed.values() if not o.is_sweep_override()]
        if not space:
            raise ValueError(
                f"a search must have something to vary, such as 'neuron.tau=interval(1.5,8)'; got {' '.join(words) or 'none'}"
            )
        named = json.dumps([sorted(map(str, space.items())), sorted(fixed), self.metric, self.direction])
        name = self.name or f"snnx-{hashlib.sha256(named.encode()).hexdigest()[:12]}"
        self.folder = Path(self.config.hydra.sweep.dir) / "optuna" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            study = optuna.create_study(
                study_name=name, storage=instantiate(self.storage), direction=self.direction, load_if_exists=True
            )
        worker = uuid.uuid4().hex
        with run_folder.claim(self.folder / worker):
            while trials := self._ask(study, space, worker):
                self._do(study, trials, fixed)
        done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
        if not done:
            raise SweepFailed(f"no trial of study {name} succeeded")
        best = study.best_trial
        values = " ".join(f"{key}={value}" for key, value in best.params.items())
        print(f"best of {len(done)} trials of study {name}: {self.metric} {best.value:.4f} with {values}")

    def _ask(self, study: Any, space: dict, worker: str) -> list:
        """Return the next trials, none if there are `n_trials` already; trials of dead workers are repeated first."""
        from optuna.trial import TrialState

        with self._alone():
            for trial in study.get_trials(states=[TrialState.RUNNING]):
                if self._dead(trial.user_attrs.get("worker")):
                    study.tell(trial.number, state=TrialState.FAIL)
                    study.enqueue_trial(trial.params)
            trials = study.get_trials(deepcopy=False)
            taken = sum(t.state in (TrialState.COMPLETE, TrialState.RUNNING) or "failed" in t.user_attrs for t in trials)
            # A new sampler each time: it learns from the study, and its seed differs, so it repeats no draws after a restart.
            study.sampler = instantiate(self.sampler, seed=self.seed * 1_000_000 + len(trials))
            asked = []
            for _ in range(min(self.batch, self.n_trials - taken)):
                asked.append(study.ask(space))
                asked[-1].set_user_attr("worker", worker)
            return asked

    def _do(self, study: Any, trials: list, fixed: list[str]) -> None:
        from optuna.trial import TrialState

        from snnx.compose.freeze import freeze
        from snnx.record import result_file
        from snnx.record.summary import summary
        from snnx.run import history
        from snnx.sweep.exit_code import SweepFailed

        overrides = [[*fixed, *(f"{key}={value}" for key, value in trial.params.items())] for trial in trials]
        jobs = freeze(self.loader, self.config, overrides, trials[0].number)
        try:
            self.launcher.launch(overrides, trials[0].number)
        except SweepFailed:
            pass  # the failed runs have been reported; below they become failed trials
        except ValueError as error:  # a run cannot be built, so another attempt would not help
            for trial in trials:
                trial.set_user_attr("failed", str(error))
                study.tell(trial, state=TrialState.FAIL)
            raise
        for trial, job in zip(trials, jobs, strict=True):
            outcome = history.finished(job) or result_file.read(job.folder)
            trial.set_user_attr("run", job.id)
            if (value := self._value(outcome)) is not None:
                study.tell(trial, value)
            else:
                trial.set_user_attr("failed", summary(outcome) if outcome else "wrote no result")
                study.tell(trial, state=TrialState.FAIL)

    def _value(self, outcome: dict | None) -> float | None:
        if outcome is None or outcome["status"] != "done":
            return None
        if self.metric not in outcome["metrics"]:
            known = ", ".join(sorted(outcome["metrics"]))
            raise ValueError(f"hydra.sweeper.metric must be one of {known}; got {self.metric}")
        value = outcome["metrics"][self.metric]
        return value if value is not None and math.isfinite(value) else None

    def _dead(self, worker: str | None) -> bool:
        """Whether a worker has ended: then the kernel has released its lock, even if it was killed."""
        from snnx.record import run_folder

        if worker is None:  # it was killed between asking for the trial and writing its name to it
            return True
        try:
            with run_folder.claim(self.folder / worker):
                return True
        except run_folder.Busy:
            return False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the study, so that no other worker asks for trials between our count of trials and our own request."""
        with open(self.folder / ".study", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def distribution(override: Override) -> Any:
    """Convert an override such as `interval(1, 8)`, `range(2, 9, 2)` or `choice(lif, plif)` to a distribution of Optuna.

    `int(interval(1, 8))` gives integers and `tag(log, interval(1e-4, 1e-1))` a logarithmic scale. As in Hydra, the end of a
    range is excluded.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    if override.is_interval_sweep():
        log = "log" in value.tags
        if isinstance(value.start, int) and isinstance(value.end, int):
            return IntDistribution(value.start, value.end, log=log)
        return FloatDistribution(float(value.start), float(value.end), log=log)
    if override.is_range_sweep():
        steps: Sequence = sorted(value.range())
        whole = all(isinstance(step, int) for step in steps)
        return (IntDistribution if whole else FloatDistribution)(steps[0], steps[-1], step=abs(value.step))
    return CategoricalDistribution(list(override.sweep_string_iterator()))

"""A study of Optuna that several workers may share, and that continues after a kill."""

# No `from __future__ import annotations` here: see snnx_local.py.
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf

from snnx.record.lock import acquire
from snnx.run.create import create


class Study:
    """Asks Optuna for trials up to a total, and tells it how they ended.

    A trial that a dead worker left unfinished is marked as failed, and its values are tried again; since they give the same
    run, that run resumes from its checkpoint.

    Args:
        name: name of the study.
        folder: folder in which the workers of the study lock each other out.
        storage, sampler: Optuna's storage and sampler, as nodes with `_target_`.
        seed: seed of the sampler; it is combined with the number of trials so far.
        directions: for each objective maximize or minimize.
        space: what is searched, as Optuna's distributions by key.
    """

    def __init__(
        self, name: str, folder: Path, *, storage: Any, sampler: Any, seed: int, directions: Sequence[str], space: dict
    ) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.name, self.folder, self.sampler, self.seed, self.space = name, folder / name, sampler, seed, space
        self.worker = uuid.uuid4().hex
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            try:
                self.study = optuna.create_study(
                    study_name=name,
                    storage=create("search.storage", plain(storage)),
                    directions=list(directions),
                    load_if_exists=True,
                )
            except (AttributeError, LookupError, TypeError, ValueError) as error:  # lines of a journal that are not Optuna's
                raise ValueError(
                    f"hydra.sweeper.storage must contain what Optuna wrote; got {type(error).__name__}: {error}: move away "
                    f"{plain(storage)}"
                ) from None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Lock this worker's name for as long as it asks for trials, so that other workers know that it is alive."""
        from snnx.record import run_folder

        with run_folder.hold(self.folder / self.worker):
            yield

    def ask(self, total: int, batch: int) -> list:
        """Return at most `batch` next trials, none if there are `total` already; trials of dead workers are repeated first."""
        from optuna.trial import TrialState

        ended = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        with self._alone():
            for trial in self.study.get_trials(states=[TrialState.RUNNING]):
                if self._dead(trial.user_attrs.get("worker")):
                    self.study.tell(trial.number, state=TrialState.FAIL)
                    self.study.enqueue_trial(trial.params)
            trials = self.study.get_trials(deepcopy=False)
            taken = sum(t.state in ended or "failed" in t.user_attrs for t in trials)
            # A new sampler each time: it learns from the study, and its seed differs, so it repeats no draws after a restart.
            self.study.sampler = create("search.sampler", plain(self.sampler), seed=self.seed * 1_000_000 + len(trials))
            asked = []
            for _ in range(min(batch, total - taken)):
                asked.append(self.study.ask(self.space))
                asked[-1].set_user_attr("worker", self.worker)
            return asked

    def tell(self, trial: Any, values: Sequence[float]) -> None:
        """End a trial with a value for each objective."""
        self._end(trial, values=list(values))

    def prune(self, trial: Any) -> None:
        """End a trial that was stopped early; the last value that it has reported becomes its value."""
        from optuna.trial import TrialState

        self._end(trial, state=TrialState.PRUNED)

    def fail(self, trial: Any, why: str) -> None:
        """End a trial that counts, but has no value."""
        from optuna.trial import TrialState

        trial.set_user_attr("failed", why)
        self._end(trial, state=TrialState.FAIL)

    def drop(self, trial: Any) -> None:
        """End a trial that could not be tried here, for example without data; it does not count."""
        from optuna.trial import TrialState

        self._end(trial, state=TrialState.FAIL)

    def _end(self, trial: Any, values: list[float] | None = None, state: Any = None) -> None:
        """Tell Optuna the values or the state with which a trial ended.

        A sampler that has tried every combination, such as `BruteForceSampler`, then asks `Study.optimize` to stop. Here the
        total stops the search, and Optuna raises an error, after it has stored the outcome.
        """
        try:
            self.study.tell(trial, values, state)
        except RuntimeError as error:
            if "Study.stop" not in str(error):
                raise

    def busy(self) -> bool:
        """Whether a worker still has a trial."""
        from optuna.trial import TrialState

        return bool(self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING]))

    def complete(self) -> list:
        """Return the trials that have a value for each objective."""
        from optuna.trial import TrialState

        return self.study.get_trials(states=[TrialState.COMPLETE])

    def _dead(self, worker: str | None) -> bool:
        """Whether a worker has ended: then the kernel has released its lock, even if it was killed."""
        from snnx.record import run_folder

        if worker is None:  # it was killed between asking for the trial and writing its name to it
            return True
        try:
            with run_folder.hold(self.folder / worker):
                return True
        except run_folder.Busy:
            return False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the study, so that no other worker asks for trials between our count of trials and our own request."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW  # a link in a received folder could lead anywhere
        with os.fdopen(os.open(self.folder / ".study", flags, 0o644), "r+b", buffering=0) as lock:
            acquire(lock, wait=True)
            yield


def plain(node: Any) -> Any:
    """Return a part of the configuration as plain values, with interpolations resolved."""
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node


def require_optuna(sweeper: str, **nodes: Any) -> None:
    """Check that Optuna is installed, and that the classes in these settings are Optuna's.

    Raises:
        ValueError: Optuna is not installed, or a class is not Optuna's.
    """
    if find_spec("optuna") is None:
        raise ValueError(f"hydra/sweeper={sweeper} needs optuna, which is not installed; run: pip install 'snnx[optuna]'")
    for key, node in nodes.items():
        if node is not None and not str(node["_target_"]).startswith("optuna."):
            raise ValueError(f"hydra.sweeper.{key}._target_ must be in the package optuna; got {node['_target_']}")


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

"""Searches each row of a sweep with the same budget on validation samples, and runs each winner on the sweep's seeds."""

# No `from __future__ import annotations` here: see snnx_local.py.
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper

from hydra_plugins.snnx_plan import PlanLauncher
from hydra_plugins.snnx_requested import requested
from hydra_plugins.snnx_search import FIRST_SEED, Search
from hydra_plugins.snnx_study import plain, require_optuna

WAIT_S = 2.0  # a worker without a trial waits this long before it looks again whether the trials of the others are done


class TuneSweeper(Sweeper):
    """Search the rows of a sweep file as its key `tune` says, side by side, each in an Optuna study of its own.

    A trial is one ordinary run for each seed, for a share of the row's epochs. It never reads the test set. The values of the
    trial with the highest validation accuracy are the winner; it is run with the row's own epochs on the sweep's seeds, as row
    `ROW-tuned`. An interrupted search continues, and several workers may share it; see `Study`. `snnx plan` plans all runs,
    without asking Optuna.

    Args:
        batch: how many trials of each row are asked for at once, at least 1.
        seed: seed of the sampler.
        sampler, pruner, storage: Optuna's sampler, pruner and storage, as nodes with `_target_`; without a pruner, no trial is
            stopped early.
        params: the rows and seeds of the sweep file, in Hydra's override syntax.

    Raises:
        ValueError: an argument is out of range, the sweep file has no `tune`, or a run cannot be built.
        SweepFailed: a run of a winner failed, or no trial of a row succeeded.
    """

    def __init__(self, batch: int, seed: int, sampler: Any, pruner: Any, storage: Any, params: Any) -> None:
        self.batch, self.seed, self.params = batch, seed, dict(params)
        self.sampler, self.pruner, self.storage = sampler, pruner, storage

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        self.loader, self.config = hydra_context.config_loader, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )
        try:
            require_optuna("snnx_tune", sampler=self.sampler, pruner=self.pruner, storage=self.storage)
        except ValueError as error:
            if not isinstance(self.launcher, PlanLauncher):
                raise
            print(f"the plan can be made, but not executed yet: {error}")
        if self.batch < 1:
            raise ValueError(f"hydra.sweeper.batch must be at least 1; got {self.batch}")

    def sweep(self, arguments: list[str]) -> None:
        from snnx.sweep.exit_code import SweepFailed

        words = [*(f"{key}={value}" for key, value in self.params.items()), *arguments]
        searches, seeds = requested(words, self.loader, self.config, plain(self.pruner))
        if isinstance(self.launcher, PlanLauncher):
            self.launcher.launch([words for search in searches for words in search.planned(seeds)], 0)
            return
        folder = Path(self.config.hydra.sweep.dir) / "optuna"
        with ExitStack() as stack:
            for search in searches:
                stack.enter_context(search.open(folder, plain(self.storage), self.sampler, self.seed).working())
            self._search(searches)
        found = {search: search.best() for search in searches}
        for search, best in found.items():
            print(_line(search, best), flush=True)
        if winners := [(search, *best) for search, best in found.items() if best]:
            self._run(winners, seeds)
        if without := [search.row for search, best in found.items() if not best]:
            raise SweepFailed(f"no trial of {', '.join(without)} succeeded")

    def _search(self, searches: Sequence[Search]) -> None:
        """Ask for trials and run them until every study has its total; the last trials may be those of another worker."""
        left = list(searches)
        while left:
            asked = [(search, trial) for search in left for trial in search.study.ask(search.tune.trials, self.batch)]
            if asked:
                without_data = self._do(asked)
                left = [search for search in left if search not in without_data]
            elif any(search.study.busy() for search in left):
                time.sleep(WAIT_S)
            else:
                return

    def _do(self, asked: Sequence[tuple[Search, Any]]) -> set[Search]:
        """Run trials of several searches: first the seed that may be pruned, then the other seeds of those that were not.

        Returns:
            The searches whose data set is not on this machine.
        """
        outcomes: dict[tuple[Search, Any], list[dict]] = {pair: [] for pair in asked}
        left = list(asked)
        for seeds in ([FIRST_SEED], [seed for seed in asked[0][0].seeds if seed != FIRST_SEED]):
            runs = [(pair, seed) for pair in left for seed in seeds]
            words = [search.trial(trial.number, trial.params, seed) for (search, trial), seed in runs]
            try:
                ended = self._launch(words) if words else []
            except ValueError as error:  # a run cannot be built, so another attempt would not help
                for search, trial in left:
                    search.study.fail(trial, str(error))
                raise
            for (pair, _), outcome in zip(runs, ended, strict=True):
                outcomes[pair].append(outcome)
            left = [pair for pair in left if not _ended_early(*pair, outcomes[pair])]
        for search, trial in left:
            if (values := search.objectives(outcomes[search, trial])) is not None:
                search.study.tell(trial, values)
            else:
                search.study.fail(trial, "has an objective that is not finite")
        return {search for (search, _), ended in outcomes.items() if any(one["status"] == "no data" for one in ended)}

    def _launch(self, words: list[list[str]]) -> list[dict]:
        """Execute runs, and return the outcome of each."""
        from snnx.compose.freeze import freeze
        from snnx.record import result_file
        from snnx.run import history
        from snnx.sweep.exit_code import SweepFailed

        jobs = freeze(self.loader, self.config, words)
        with suppress(SweepFailed):  # the failed runs have been reported; they become failed trials
            self.launcher.launch(words, 0)
        return [history.finished(job) or result_file.read(job.folder) or {"status": "failed"} for job in jobs]

    def _run(self, winners: Sequence[tuple[Search, dict, dict]], seeds: Sequence[int]) -> None:
        """Run each winner on each seed; a result from before the search gets the facts of the search too."""
        from snnx.compose.freeze import freeze
        from snnx.record import result_file
        from snnx.record.run_folder import hold
        from snnx.record.write import write

        words = [search.winner(values, seed, facts) for search, values, facts in winners for seed in seeds]
        jobs = freeze(self.loader, self.config, words)
        try:
            self.launcher.launch(words, 0)
        finally:
            for job in jobs:
                found = result_file.read(job.folder)
                if found is not None and found["status"] == "done" and found.get("tuned") != job.config["tuned"]:
                    with hold(job.folder):
                        found["tuned"] = job.config["tuned"]
                        write(job.folder / "result.json", result_file.to_json(found))


def _ended_early(search: Search, trial: Any, outcomes: Sequence[dict]) -> bool:
    """Tell the study if a trial was pruned or has a run without a result, and return whether that is so."""
    from snnx.record.summary import summary

    if any(one["status"] == "pruned" for one in outcomes):
        search.study.prune(trial)
    elif any(one["status"] == "no data" for one in outcomes):
        search.study.drop(trial)
    elif bad := next((one for one in outcomes if one["status"] != "done"), None):
        search.study.fail(trial, summary(bad) if bad.get("error") else "wrote no result")
    else:
        return False
    return True


def _line(search: Search, best: tuple[dict, dict] | None) -> str:
    if best is None:
        return f"{search.row}: no trial of study {search.name} succeeded"
    values, facts = best
    chosen = " ".join(f"{key}={value}" for key, value in values.items())
    accuracy = search.tune.objectives[0]
    found = f"{accuracy} {facts[accuracy]:.4f} with {chosen}"
    return f"{search.row}: best of {facts['trials']} trials, {facts['pruned']} pruned: {found}"

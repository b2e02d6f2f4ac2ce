"""Real searches of a sweep's rows: the contents of the studies, the runs, and that a search continues after a kill."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import environment, snnx
from composing import composed
from hydra.core.override_parser.overrides_parser import OverridesParser

optuna = pytest.importorskip("optuna", reason="the Optuna extra is not installed: pip install 'snnx[optuna]'")
from optuna.distributions import CategoricalDistribution, FloatDistribution  # noqa: E402

from hydra_plugins.snnx_override import override_text  # noqa: E402
from hydra_plugins.snnx_search import _at_edge  # noqa: E402
from hydra_plugins.snnx_study import Study  # noqa: E402
from snnx.run import history  # noqa: E402
from snnx.run.execute import execute  # noqa: E402

SWEEP = """\
# Two rows that are tuned, on digits.
#   snnx -m sweep=own_tuned hydra/sweeper=snnx_tune
sweep:
  paper: own
  artifact: T
  factor: neuron
  metric: test/acc
  claims: [ReLU-tuned > ReLU]
  tune: {{{tune}}}
rows:
  ReLU: {{set: [neuron=relu, optimizer.lr=0.02]}}
  IF: {{set: [neuron=if]}}
dataset: {{validation: {validation}}}
timesteps: 1
trainer: {{max_epochs: {epochs}, accelerator: cpu}}
hydra: {{sweeper: {{params: {{seed: "0,1"}}}}}}
"""
TUNE = "keys: {optimizer.lr: 'tag(log, interval(1e-4, 1e-1))'}, trials: 3, epochs: 0.5"
LINE = ["-m", "sweep=own_tuned", "hydra/sweeper=snnx_tune"]
SMALL = ["budget.samples=0.1"]


@pytest.fixture
def own(tmp_path):
    def own(tune: str = TUNE, validation: float = 0.1, epochs: int = 4) -> Path:
        (tmp_path / "sweeps").mkdir(exist_ok=True)
        (tmp_path / "sweeps" / "own_tuned.yaml").write_text(SWEEP.format(tune=tune, validation=validation, epochs=epochs))
        return tmp_path

    return own


def studies(folder: Path) -> dict[str, optuna.Study]:
    """The studies as Optuna itself reads them, by row."""
    file = optuna.storages.journal.JournalFileBackend(str(folder / "outputs" / ".sweep" / "optuna.journal"))
    storage = optuna.storages.JournalStorage(file)
    names = optuna.get_all_study_names(storage)
    return {name.split("-")[1]: optuna.load_study(study_name=name, storage=storage) for name in names}


def states(study: optuna.Study) -> list[str]:
    return [trial.state.name for trial in study.trials]


def results(folder: Path, link: str) -> dict[str, dict]:
    """The results that links lead to, by the link's name."""
    return {path.name: json.loads((path / "result.json").read_text()) for path in folder.glob(f"outputs/own_tuned/{link}")}


@pytest.mark.slow
def test_every_row_gets_the_same_budget_and_its_winner_fresh_seeds(own, monkeypatch):
    folder = own(validation=0.0)
    done = snnx(folder, *LINE, *SMALL)
    assert done.returncode == 0, done.stderr
    found = studies(folder)
    assert {row: states(study) for row, study in found.items()} == {row: ["COMPLETE"] * 3 for row in ("ReLU", "IF")}
    trials = results(folder, "search/*")
    assert len(trials) == 6
    for trial in trials.values():
        config = trial["physics"]
        assert (trial["seed"], len(trial["curves"]["val/acc"])) == (1000, 2)
        assert (config["dataset"]["validation"], config["budget"]["epochs"]) == (0.1, 0.5), "without one, a tenth is held out"
        assert not [key for key in trial["metrics"] if key.startswith("test/")]
        own_trial = found[trial["row"].split()[0]].trials[trial["search"]["trial"]]
        assert own_trial.value == trial["metrics"]["val/acc"]
    winners = results(folder, "*-tuned,*")
    assert sorted(winners) == [f"{row}-tuned,seed={seed},budget.samples=0.1" for row in ("IF", "ReLU") for seed in (0, 1)]
    monkeypatch.chdir(folder)
    for winner in winners.values():
        row, facts = winner["row"].removesuffix("-tuned"), winner["tuned"]
        assert facts["values"] == found[row].best_params
        assert (facts["trials"], facts["pruned"], facts["epochs"], facts["val/acc"]) == (3, 0, 2, found[row].best_value)
        assert (winner["physics"]["dataset"]["validation"], len(winner["curves"]["train/loss"])) == (0.0, 4)
        ordinary = (f"neuron={row.lower()}", f"optimizer.lr={facts['values']['optimizer.lr']}")
        rest = ("dataset.validation=0", "timesteps=1", "trainer.max_epochs=4", "trainer.accelerator=cpu")
        assert composed(*ordinary, *rest, *SMALL, f"seed={winner['seed']}").id == winner["hash"]
        assert composed(*winner["overrides"]).id == winner["hash"]
    assert "ReLU-tuned" in done.stdout
    again = snnx(folder, *LINE, *SMALL)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("done before") == 4
    assert len(studies(folder)["IF"].trials) == 3
    assert "0 of 10 runs to do" in snnx(folder, "plan", *LINE, *SMALL).stdout
    own(TUNE.replace("trials: 3", "trials: 4"), validation=0.0)
    assert "12 of 12 runs to do" in snnx(folder, "plan", *LINE, *SMALL).stdout, "its winner may be another one"
    longer = snnx(folder, *LINE, *SMALL, "row=ReLU")
    assert longer.returncode == 0, longer.stderr
    found = studies(folder)
    assert [len(found[row].trials) for row in ("ReLU", "IF")] == [4, 3]
    assert {one["tuned"]["trials"] for one in results(folder, "ReLU-tuned*").values()} == {4}, "also if the winner stays"


@pytest.mark.faults
def test_a_killed_search_continues(own):
    folder = own(TUNE.replace("trials: 3", "trials: 2"), epochs=80)
    words = [*LINE, *SMALL, "row=IF", "seed=0", "hydra.sweeper.pruner=null"]
    command = [sys.executable, "-m", "snnx", *words]
    driver = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, start_new_session=True)
    runs, deadline = folder / "outputs" / "runs", time.monotonic() + 240
    while len(list(runs.glob("*/metrics.csv"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    assert states(studies(folder)["IF"]) == ["COMPLETE", "RUNNING"]
    done = snnx(folder, *words)
    assert done.returncode == 0, done.stderr
    study = studies(folder)["IF"]
    assert states(study) == ["COMPLETE", "FAIL", "COMPLETE"]
    assert study.trials[2].params == study.trials[1].params
    assert len(list(runs.iterdir())) == 3, "the run that was killed went on"
    (winner,) = results(folder, "IF-tuned*").values()
    assert winner["tuned"]["trials"] == 2


@pytest.mark.slow
def test_a_pruned_trial_ends_early_and_is_no_failure(own):
    """The pruner gives up every trial after two epochs, since none has an accuracy of 1.1."""
    folder = own(TUNE.replace("epochs: 0.5", "epochs: 1"))
    pruner = ["_target_=optuna.pruners.ThresholdPruner", "lower=1.1", "n_warmup_steps=2"]
    words = ["~hydra.sweeper.pruner.n_startup_trials", *(f"++hydra.sweeper.pruner.{word}" for word in pruner)]
    done = snnx(folder, *LINE, *SMALL, "row=ReLU", *words)
    assert done.returncode == 1, "there is no winner"
    assert "no trial of ReLU succeeded" in done.stderr
    assert "failed" not in done.stdout
    study = studies(folder)["ReLU"]
    assert states(study) == ["PRUNED"] * 3
    assert [sorted(trial.intermediate_values) for trial in study.trials] == [[1, 2]] * 3
    pruned = results(folder, "search/*")
    assert {one["status"] for one in pruned.values()} == {"pruned"}
    result = next(iter(pruned.values()))
    words = [word for word in result["overrides"] if not word.startswith("search=")]
    words = [word for word in words if word.split("=")[0] not in ("sweep", "row")]
    rest = ("neuron=relu", "dataset.validation=0.1", "timesteps=1", "trainer.max_epochs=4", "trainer.accelerator=cpu")
    ordinary = replace(composed(*rest, *words), outputs=str(folder / "outputs"))
    assert ordinary.id == result["hash"]
    assert history.describe_earlier_attempt(ordinary) == "resumed at epoch 2"
    finished = execute(ordinary)
    assert finished["resumed"] == [2]
    assert finished["curves"]["val/acc"][:2] == result["curves"]["val/acc"]


@pytest.mark.faults
def test_two_seeds_and_two_objectives(own):
    tune = f"{TUNE}, seeds: 2, objectives: [val/acc, val/loss], rows: [ReLU]"
    folder = own(tune)
    done = snnx(folder, *LINE, *SMALL, "seed=0")
    assert done.returncode == 0, done.stderr
    found = studies(folder)
    assert set(found) == {"ReLU"}
    study = found["ReLU"]
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    trials = list(results(folder, "search/*").values())
    assert sorted(one["seed"] for one in trials) == [1000] * 3 + [1001] * 3
    for trial in study.trials:
        both = [one["metrics"] for one in trials if one["search"]["trial"] == trial.number]
        assert trial.values == pytest.approx([sum(one[key] for one in both) / 2 for key in ("val/acc", "val/loss")])
    (winner,) = results(folder, "ReLU-tuned*").values()
    front = [entry["objectives"] for entry in winner["tuned"]["front"]]
    assert [list(entry.values()) for entry in front] == sorted((t.values for t in study.best_trials), key=lambda v: -v[0])
    assert winner["tuned"]["val/acc"] == max(trial.values[0] for trial in study.trials)
    assert "Fronts of the searches" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["row=IF"], "row must be among ReLU, the rows that sweep own_tuned tunes; got none of them"),
        (["seed=3,1000"], "seed must be below 1000, the first seed of the trials of a search; got 1000"),
        (["timesteps=1,2"], "timesteps must have one value while rows are tuned; got timesteps=1,2"),
        (["optimizer.lr=0.1", "row=IF"], "optimizer.lr must not be set in sweep own_tuned, whose rows set it"),
        (["optimizer.weight_decay=0.1"], "optimizer.weight_decay must not be set while it is searched; got .*: leave it out"),
        (["hydra.sweeper.batch=0"], "hydra.sweeper.batch must be at least 1; got 0"),
        (["hydra.sweeper.pruner={_target_:os.system}"], "hydra.sweeper.pruner._target_ must be in the package optuna; got os"),
    ],
)
def test_mistakes_are_one_line_before_training(own, words, message):
    space = "optimizer.weight_decay: 'interval(0.0, 0.1)'"
    folder = own(f"keys: {{{space}}}, trials: 1, epochs: 0.5, rows: [ReLU]")
    done = snnx(folder, *LINE, *words)
    assert done.returncode == 2, done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert re.search(message, line), line
    assert not (folder / "outputs" / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tune", "message"),
    [
        (
            "keys: {optimizer.lr: 'between(0.1)'}, trials: 1, epochs: 0.5",
            "optimizer.lr of tune must be a range or a choice in Hydra",
        ),
        (
            f"{TUNE}, objectives: [val/acc, val/joule]",
            "objectives of tune must be among val/acc, .*; got val/joule, which row ReLU",
        ),
    ],
)
def test_mistakes_that_only_the_search_finds(own, tune, message):
    done = snnx(own(tune), *LINE, *SMALL, "row=ReLU")
    assert done.returncode == 2, done.stdout
    assert re.search(message, done.stderr), done.stderr


def test_values_at_the_edge_of_their_range():
    rate = FloatDistribution(1e-4, 1e-2, log=True)
    assert [_at_edge(rate, value) for value in (1.1e-4, 1e-3, 9e-3)] == [True, False, True]
    assert not _at_edge(CategoricalDistribution(["a", "b"]), "a")


@pytest.mark.filterwarnings("ignore:BruteForceSampler is experimental")
def test_a_sampler_that_tries_each_value_once(tmp_path):
    """Optuna's `BruteForceSampler` asks for an end when it has tried everything; our total ends the search."""
    storage = {"_target_": "optuna.storages.InMemoryStorage"}
    study = Study(
        "all", tmp_path, storage=storage, sampler={"_target_": "optuna.samplers.BruteForceSampler"}, seed=0,
        directions=["maximize"], space={"optimizer.lr": optuna.distributions.CategoricalDistribution(["0.1", "1"])},
    )  # fmt: skip
    with study.working():
        (first,), (second,) = study.ask(2, 1), study.ask(2, 1)
        assert {first.params["optimizer.lr"], second.params["optimizer.lr"]} == {"0.1", "1"}
        study.tell(first, [0.5])
        study.prune(second)
        assert study.ask(2, 1) == []
    assert [trial.value for trial in study.complete()] == [0.5]


def test_overrides_give_back_the_value():
    value = {"study": "it's a, b: {c}", "values": {"optimizer.lr": 1e-05, "x": "0.1"}, "front": [{"val/acc": None, "on": True}]}
    (parsed,) = OverridesParser.create().parse_overrides([f"tuned={override_text(value)}"])
    assert parsed.value() == value


@pytest.mark.faults
def test_workers_share_a_search_and_run_one_winner(own):
    """The worker that finds no trial left waits for those of the other, so that both choose the same winner."""
    folder = own(TUNE.replace("trials: 3", "trials: 4"))
    command = [sys.executable, "-m", "snnx", *LINE, *SMALL, "row=ReLU", "seed=0"]
    workers = [
        subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    for worker in workers:
        said, _ = worker.communicate(timeout=300)
        assert worker.returncode == 0, said
        assert "best of 4 trials" in said
    assert len(studies(folder)["ReLU"].trials) == 4
    assert len(results(folder, "ReLU-tuned,*")) == 1


@pytest.mark.slow
def test_trials_without_data_do_not_count(own):
    folder = own(TUNE.replace("trials: 3", "trials: 1"))
    words = [*LINE, "row=ReLU", "seed=0", "dataset=mnist", "dataset.root=nowhere", "timesteps=1"]
    done = snnx(folder, *words)
    assert done.returncode == 1, done.stdout
    assert "no data" in done.stdout
    assert "no trial of ReLU succeeded" in done.stderr
    (study,) = studies(folder).values()
    assert (states(study), study.trials[0].user_attrs.get("failed")) == (["FAIL"], None)

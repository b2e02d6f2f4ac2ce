"""Real searches by Optuna: the contents of a study after kills, with several workers, and when runs fail."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from command_line import QUICK, environment, snnx
from hydra.core.override_parser.overrides_parser import OverridesParser

from snnx.command import main

optuna = pytest.importorskip("optuna", reason="the Optuna extra is not installed: pip install 'snnx[optuna]'")
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402
from optuna.trial import TrialState  # noqa: E402

from hydra_plugins.snnx_study import distribution  # noqa: E402

STORAGES = {"journal": "outputs/.sweep/optuna.journal", "sqlite": "outputs/.sweep/optuna.db"}
LINE = ["-m", "hydra/sweeper=snnx_optuna", "hydra.sweeper.study=found", "neuron=if"]


def study(folder, kind: str = "journal"):
    """The study as Optuna itself reads it."""
    path = folder / STORAGES[kind]
    if kind == "sqlite":
        storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    else:
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    return optuna.load_study(study_name="found", storage=storage)


def states(folder, kind: str = "journal") -> list[str]:
    return [trial.state.name for trial in study(folder, kind).trials]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("x=interval(0.5,2)", FloatDistribution(0.5, 2.0)),
        ("x=tag(log,interval(1e-4,1e-1))", FloatDistribution(1e-4, 1e-1, log=True)),
        ("x=int(interval(1,8))", IntDistribution(1, 8)),
        ("x=range(2,9,2)", IntDistribution(2, 8, step=2)),
        ("x=range(0.5,2,0.5)", FloatDistribution(0.5, 1.5, step=0.5)),
        ("neuron=choice(lif,plif)", CategoricalDistribution(["lif", "plif"])),
        ("neuron=lif,plif", CategoricalDistribution(["lif", "plif"])),
    ],
)
def test_distributions(override, expected):
    (parsed,) = OverridesParser.create().parse_overrides([override])
    assert distribution(parsed) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["optimizer.lr=0.1"], "a search must have something to vary, such as .*; got neuron=if optimizer.lr=0.1"),
        (["optimizer.lr=interval(0.1,1)", "hydra.sweeper.n_trials=0"], "hydra.sweeper.n_trials must be at least 1; got 0"),
        (["optimizer.lr=interval(0.1,1)", "hydra.sweeper.batch=0"], "hydra.sweeper.batch must be at least 1; got 0"),
        (["optimizer.lr=interval(0.1,1)", "hydra.sweeper.direction=up"], "must be maximize or minimize; got up"),
        (["timesteps=choice(0)"], "timesteps must be at least 1; got 0"),
    ],
)
def test_mistakes_end_in_one_line_before_training(empty, monkeypatch, capsys, words, message):
    monkeypatch.setattr(sys, "argv", ["snnx", *LINE, *words])
    assert main.main() == main.USAGE
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert re.search(message, line), line
    assert not list(empty.glob("outputs/runs/*"))


@pytest.mark.parametrize("line", ['{"op_code": 0}', "[]", "null", "garbage"])
def test_a_journal_of_another_program_is_named(empty, monkeypatch, capsys, line):
    journal = empty / "outputs" / ".sweep" / "optuna.journal"
    journal.parent.mkdir(parents=True)
    journal.write_text(line + "\n" + line + "\n")  # Optuna leaves out a last line that it cannot parse, but no other
    monkeypatch.setattr(sys, "argv", ["snnx", *LINE, "optimizer.lr=interval(0.1,1)"])
    assert main.main() == main.USAGE
    (told,) = capsys.readouterr().err.strip().splitlines()
    assert re.search(r"hydra\.sweeper\.storage must contain what Optuna wrote; got \w+: .*optuna\.journal", told), told


@pytest.mark.slow
def test_a_metric_that_no_result_has(tmp_path):
    done = snnx(tmp_path, *LINE, "timesteps=choice(1)", "hydra.sweeper.metric=val/auc", *QUICK[:2])
    assert done.returncode == 2, done.stderr
    assert re.search("hydra.sweeper.metric must be one of .*val/acc_best.*; got val/auc", done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["journal", pytest.param("sqlite", marks=pytest.mark.faults)])
def test_a_killed_search_goes_on_to_its_total(tmp_path, kind):
    """If it is killed in a trial, the same command repeats it and ends with the requested number of trials, none running."""
    line = [*LINE, f"hydra/sweeper/storage={kind}", "hydra.sweeper.n_trials=3", "optimizer.lr=tag(log,interval(1e-4,1e-1))"]
    line += ["trainer.max_epochs=40", "budget.samples=0.1", "timesteps=2"]
    command = [sys.executable, "-m", "snnx", *line]
    driver = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, start_new_session=True)
    runs = tmp_path / "outputs" / "runs"
    deadline = time.monotonic() + 240
    while len(list(runs.glob("*/metrics.csv"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    before = states(tmp_path, kind)
    assert before == ["COMPLETE", "RUNNING"]
    done = snnx(tmp_path, *line)
    assert done.returncode == 0, done.stderr
    assert states(tmp_path, kind) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    trials = study(tmp_path, kind).trials
    assert trials[2].params == trials[1].params, "the run that was lost is asked for again"
    assert len({trial.params["optimizer.lr"] for trial in trials}) == 3, "a sampler does not start over"
    again = snnx(tmp_path, *line)
    assert (again.returncode, len(states(tmp_path, kind))) == (0, 4), "a finished search does nothing"
    longer = snnx(tmp_path, *line, "hydra.sweeper.n_trials=4")
    assert (longer.returncode, len(states(tmp_path, kind))) == (0, 5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["journal", pytest.param("sqlite", marks=pytest.mark.faults)])
def test_workers_share_one_total(tmp_path, kind):
    line = [*LINE, f"hydra/sweeper/storage={kind}", "hydra.sweeper.n_trials=5", "optimizer.lr=interval(0.001,0.1)", *QUICK]
    command = [sys.executable, "-m", "snnx", *line]
    workers = [
        subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(3)
    ]
    for worker in workers:
        said, _ = worker.communicate(timeout=300)
        assert worker.returncode == 0, said
    assert states(tmp_path, kind) == ["COMPLETE"] * 5


@pytest.mark.slow
def test_a_run_that_diverges_is_a_failed_trial(tmp_path):
    line = [*LINE, "hydra.sweeper.n_trials=4", "hydra.sweeper.batch=2", "optimizer.lr=choice(1e30,0.01)", *QUICK]
    done = snnx(tmp_path, *line)
    assert done.returncode == 0, done.stderr
    by_rate = {trial.params["optimizer.lr"]: trial for trial in study(tmp_path).trials}
    assert {rate: trial.state for rate, trial in by_rate.items()} == {"1e+30": TrialState.FAIL, "0.01": TrialState.COMPLETE}
    assert "diverged" in by_rate["1e+30"].user_attrs["failed"]
    result = tmp_path / "outputs" / "runs" / by_rate["0.01"].user_attrs["run"] / "result.json"
    assert json.loads(result.read_text())["metrics"]["val/acc_best"] == by_rate["0.01"].value
    assert "best of" in done.stdout
    none = snnx(tmp_path, *LINE, "hydra.sweeper.study=other", "hydra.sweeper.n_trials=1", "optimizer.lr=choice(1e30)", *QUICK)
    assert none.returncode == 1
    assert "no trial of study other succeeded" in none.stderr

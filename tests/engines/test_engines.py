"""Sweeps through launchers of others, on this machine: joblib, Ray, submitit's local executor."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest
from command_line import FOUR, QUICK, RAISES, copy_of_snnx, environment, holder, results, snnx
from own_folder import own_folder

from snnx.record.job import Job

ENGINES = {"joblib": "hydra_joblib_launcher", "ray": "hydra_ray_launcher"}
ENGINE = "hydra.launcher.engine"
MISSING = "the {0} extra is not installed: pip install 'snnx[{0}]'"


def need(extra: str) -> None:
    if find_spec(f"hydra_plugins.{ENGINES[extra]}") is None:
        pytest.skip(MISSING.format(extra))


@pytest.mark.slow
@pytest.mark.parametrize("extra", ENGINES)
def test_a_row_that_raises_and_one_that_is_killed(extra, tmp_path):
    """The other runs are done, the table names both failures, and repeating the command executes only what is missing."""
    need(extra)
    source = copy_of_snnx(tmp_path / "site", sweep=FOUR.replace("LONG", "60"), neuron=RAISES)
    line = ["-m", "sweep=four", "seed=0", f"hydra/launcher=snnx_{extra}", *QUICK[1:]]
    command = [sys.executable, "-m", "snnx", *line]
    sweep = subprocess.Popen(
        command, cwd=tmp_path, env=environment(source), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("outputs/four/Killed,*/metrics.csv")):
        assert time.monotonic() < deadline
        assert sweep.poll() is None, sweep.communicate()[0]
        time.sleep(0.1)
    (link,) = tmp_path.glob("outputs/four/Killed,*")
    os.kill(holder(link.resolve()), signal.SIGKILL)
    said, _ = sweep.communicate(timeout=400)
    first = results(tmp_path)
    states = {row: one["status"] for row, one in first.items()}
    assert states == {"Good": "done", "Raises": "failed", "Killed": "failed", "Preempted": "done"}, said
    assert sweep.returncode == 1
    assert "2 of 4 runs failed or diverged" in said
    assert "Raises seed=0     failed: this neuron raises" in said
    assert "killed by signal 9" in said
    assert "Traceback" not in said
    again = snnx(tmp_path, *line, source=source)
    assert again.returncode == 1
    after = results(tmp_path)
    assert {row: one["status"] for row, one in after.items()} == states | {"Killed": "done"}
    assert {row: after[row] for row in ("Good", "Preempted")} == {row: first[row] for row in ("Good", "Preempted")}
    assert "outputs/four/report/report.html" in again.stdout, "the report ends the sweep"


@pytest.mark.slow
def test_an_edit_while_a_sweep_runs_changes_none_of_its_runs(tmp_path):
    need("joblib")
    source = copy_of_snnx(tmp_path / "site", sweep=FOUR.replace("LONG", "20"), neuron=RAISES)
    option = source / "conf" / "optimizer" / "adamw.yaml"
    line = [
        "-m",
        "seed=0,1,2",
        "neuron=if",
        "hydra/launcher=snnx_joblib",
        "hydra.launcher.engine.n_jobs=1",
        "trainer.max_epochs=20",
    ]
    command = [sys.executable, "-m", "snnx", *line, *QUICK[1:]]
    sweep = subprocess.Popen(command, cwd=tmp_path, env=environment(source), stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob("outputs/runs/*/metrics.csv")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    option.write_text(option.read_text() + "eps: 0.5\n")
    said, _ = sweep.communicate(timeout=400)
    assert sweep.returncode == 0, said
    ended = [json.loads(path.read_text()) for path in tmp_path.glob("outputs/runs/*/result.json")]
    assert len(ended) == 3
    assert len({one["group"] for one in ended}) == 1, "three seeds of one configuration"


@pytest.mark.slow
@pytest.mark.parametrize("extra", [*ENGINES, "slurm"])
def test_workers_see_the_components_of_the_folder(extra, tmp_path, monkeypatch):
    """Without a PYTHONPATH that names it; Slurm's workers are those of submitit, on this machine."""
    if find_spec(f"hydra_plugins.{ {**ENGINES, 'slurm': 'hydra_submitit_launcher'}[extra] }") is None:
        pytest.skip(MISSING.format(extra))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    line = ["-m", "sweep=my_table", f"hydra/launcher=snnx_{extra}", *QUICK]
    if extra == "slurm":
        line.append(f"{ENGINE}._target_=hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher")
        line += [f"~{ENGINE}.{key}" for key in ("array_parallelism", "signal_delay_s", "additional_parameters", "setup")]
    done = snnx(own_folder(tmp_path), *line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row: one["status"] for row, one in results(tmp_path).items()} == {"LIF": "done", "Mine": "done"}


TELLS = '''\
import os
from pathlib import Path

from snnx.neuron.lif import LIF


class Mine(LIF):
    """A neuron that writes down which GPUs its process may use."""

    def reset(self):
        super().reset()
        Path(os.environ["TOLD"]).write_text(str(os.environ.get("CUDA_VISIBLE_DEVICES")))
'''


@pytest.mark.slow
@pytest.mark.parametrize(("visible", "hides"), [("2,3", "1"), (None, "1"), ("", "1"), ("2,3", "0")])
def test_a_run_that_asks_ray_for_no_gpu_sees_those_of_its_machine(visible, hides, tmp_path, monkeypatch):
    """Ray can hide them from such a task, and older versions do; then the locks of a run would find none."""
    need("ray")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", hides)
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    source = copy_of_snnx(tmp_path / "site", sweep=FOUR, neuron=TELLS)
    done = snnx(tmp_path, "-m", "neuron=mine", "seed=0", "hydra/launcher=snnx_ray", *QUICK, source=source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "told").read_text() == str(visible)


@pytest.mark.slow
def test_joblib_as_hydra_has_it_goes_on_after_a_bad_run(tmp_path):
    need("joblib")
    line = ["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "neuron=if", "optimizer.lr=1e30,0.01,0.02", *QUICK]
    done = snnx(tmp_path, *line)
    assert done.returncode == 1, done.stderr
    ended = [json.loads(path.read_text())["status"] for path in tmp_path.glob("outputs/runs/*/result.json")]
    assert sorted(ended) == ["diverged", "done", "done"]


@pytest.mark.parametrize("extra", ["joblib", "ray", "slurm"])
def test_without_its_extra_an_engine_says_what_to_install(extra, tmp_path):
    module = {**ENGINES, "slurm": "hydra_submitit_launcher"}[extra]
    if find_spec(f"hydra_plugins.{module}") is not None:
        pytest.skip(f"the {extra} extra is installed")
    done = snnx(tmp_path, "-m", "seed=0,1", f"hydra/launcher=snnx_{extra}")
    assert done.returncode == 2
    assert f"hydra/launcher=snnx_{extra} needs packages that are not installed; run: pip install 'snnx[{extra}]'" in done.stderr


def test_a_mistake_is_found_before_an_engine_starts(tmp_path):
    need("joblib")
    done = snnx(tmp_path, "-m", "hydra/launcher=snnx_joblib", "timesteps=4,0")
    assert done.returncode == 2
    assert "timesteps must be at least 1; got 0" in done.stderr
    assert not list(tmp_path.glob("outputs/runs/*"))


def test_a_frozen_job_is_the_job(tmp_path):
    job = Job(
        id="0", group="1", name="n", sweep=None, row="r", seed=0, scale="smoke", overrides=["a=1"], command="snnx a=1",
        git=None, outputs="outputs", config={"a": [1, None, 1.5, "x"]},
    )  # fmt: skip
    path = job.save(tmp_path)
    assert Job.load(path) == job
    assert job.save(tmp_path) == path

"""Cards are handed out evenly among all processes of a machine; the driver is an empty file, and torch counts four cards."""

import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from composing import composed
from omegaconf import OmegaConf

from hydra_plugins.snnx_engine import EngineLauncher
from hydra_plugins.snnx_local import LocalLauncher
from snnx.options.folders import shipped
from snnx.run import cards


@pytest.fixture
def four_cards(tmp_path, monkeypatch):
    driver = tmp_path / "driver"
    driver.touch()
    monkeypatch.setattr(cards, "DRIVERS", (str(driver),))
    monkeypatch.setattr(
        torch.cuda, "device_count", lambda: len([*filter(None, os.environ.get(cards.VISIBLE, "0,1,2,3").split(","))])
    )
    monkeypatch.setattr(cards.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.delenv(cards.VISIBLE, raising=False)


@pytest.fixture
def start():
    """Starts a process that takes cards and holds them until the test ends; returns what it took and the process."""
    context, started = multiprocessing.get_context("fork"), []

    def start(devices=1, accelerator="auto", visible=None):
        here, there = context.Pipe()
        process = context.Process(target=hold, args=(there, {"devices": devices, "accelerator": accelerator}, visible))
        process.start()
        started.append(process)
        assert here.poll(30)
        return here.recv(), process

    yield start
    for process in started:
        process.kill()
        process.join()


def hold(pipe, trainer, visible):
    if visible:
        os.environ[cards.VISIBLE] = visible
    taken = cards.take(trainer)
    pipe.send((taken, cards.take(trainer), os.environ.get(cards.VISIBLE)))
    signal.pause()


def test_each_run_gets_the_least_used_card_and_a_dead_one_leaves_its_card(four_cards, start):
    taken = [start() for _ in range(6)]
    assert [found for found, _ in taken] == [([card], [card], card) for card in "012301"]
    taken[2][1].kill()
    taken[2][1].join()
    assert start()[0][0] == ["2"]


def test_a_run_on_several_devices_gets_as_many_different_cards(four_cards, start):
    assert start()[0][0] == ["0"]
    assert start(devices=2)[0] == (["1", "2"], ["1", "2"], "1,2")
    assert start(devices=2)[0][0] == ["3", "0"]
    assert start(devices="auto")[0][0] == ["1", "2", "3", "0"]
    assert start(devices=9)[0][0] == ["1", "2", "3", "0"]  # all four; Lightning then refuses the run


def test_two_jobs_of_slurm_that_see_other_cards_by_the_same_numbers_do_not_share_locks(four_cards, start, monkeypatch):
    for job in ("0,1", "2,3"):
        monkeypatch.setenv("SLURM_JOB_GPUS", job)
        assert [start(visible="0,1")[0][0] for _ in range(3)] == [["0"], ["1"], ["0"]]
    monkeypatch.setenv("SLURM_STEP_GPUS", "3")  # a step of the second job, which sees one of its cards
    assert start(visible="0")[0][0] == ["0"]
    monkeypatch.setenv("SLURM_STEP_GPUS", "0,1")  # as many numbers as cards, or they do not say which is which
    assert start(visible="2")[0][0] == ["2"]


def test_cards_are_taken_only_from_those_that_an_engine_has_assigned(four_cards, start):
    assert [start(visible="3,1")[0][0] for _ in range(3)] == [["3"], ["1"], ["3"]]
    assert start()[0][0] == ["0"]


def test_a_run_on_the_cpu_takes_none(four_cards, start):
    assert start(accelerator="cpu")[0] == ([], [], None)


def test_without_a_driver_there_are_no_cards(monkeypatch):
    monkeypatch.setattr(cards, "DRIVERS", ("/nonexistent",))
    assert cards.cards() == []


WORKER = """
import os, sys
from snnx.run import cards
if sys.argv[1] == "hides":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""          # as Ray does in a worker whose task asks for no GPU
cards.unhide()
print(os.environ.get("CUDA_VISIBLE_DEVICES"))
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)"


@pytest.mark.parametrize(
    ("machine", "worker", "expected"),
    [(None, "hides", "None"), ("2,3", "hides", "2,3"), ("", "hides", ""), ("2,3", "leaves", "2,3"), (None, "leaves", "None")],
)
def test_a_worker_sees_the_cards_that_ray_has_hidden_from_it(machine, worker, expected):
    """The worker of an engine is started by a process that knows which cards the machine's user allows."""
    environment = {key: value for key, value in os.environ.items() if key != cards.VISIBLE}
    environment |= {} if machine is None else {cards.VISIBLE: machine}
    command = [sys.executable, "-c", PARENT, WORKER, worker]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{expected}\n"


def test_a_run_of_a_ray_worker_takes_the_least_used_card(four_cards, monkeypatch):
    """Without `unhide` there would be no cards for it."""
    monkeypatch.setenv(cards.VISIBLE, "")
    assert cards.cards() == []
    cards.unhide()  # the process that runs the tests was started with no such variable
    assert cards.cards() == ["0", "1", "2", "3"]


def launcher(name, **settings):
    options = OmegaConf.load(shipped("conf") / "hydra" / "launcher" / f"snnx_{name}.yaml")
    return EngineLauncher(options.extra, OmegaConf.merge(options.engine, settings))


def test_joblib_executes_one_run_per_card_unless_told_otherwise(four_cards, monkeypatch):
    assert launcher("joblib").filled().n_jobs == 4
    assert launcher("joblib", n_jobs=-1).filled().n_jobs == -1
    monkeypatch.setenv(cards.VISIBLE, "1")
    assert launcher("joblib").filled().n_jobs == 1
    monkeypatch.setattr(cards, "DRIVERS", ())
    assert launcher("joblib").filled().n_jobs == 2
    assert "n_jobs" not in launcher("ray").filled()


def test_a_sweep_of_this_machine_executes_one_run_per_card_unless_told_otherwise(four_cards, monkeypatch):
    assert LocalLauncher(None, None, 0).n_jobs == 4
    assert LocalLauncher(3, None, 0).n_jobs == 3
    monkeypatch.setenv(cards.VISIBLE, "1")
    assert LocalLauncher(None, None, 0).n_jobs == 1
    monkeypatch.setattr(cards, "DRIVERS", ())
    assert LocalLauncher(None, None, 0).n_jobs == 1


TWO_CARDS = """
import snnx.run.cards

snnx.run.cards.cards = lambda: ["0", "1"]
"""
"""What every Python process of these tests does first; the machine may have no card."""
SLURM = """
import sys
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from hydra_plugins.snnx_engine import work

job, folder = sys.argv[1:]
config = OmegaConf.create({"hydra": OmegaConf.structured(HydraConf)})
OmegaConf.update(config, "hydra.launcher", {})
config.hydra.runtime.cwd, config.hydra.overrides.task = folder, [job]
HydraConfig.instance().set_config(config)
work(config)
"""
"""What submitit calls in a task of Slurm."""
ROOT = Path(__file__).parents[2]
QUICK = ("backbone=mlp", "timesteps=2", "trainer.max_epochs=1", "budget.samples=0.1")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["one run", "plan", "sweep", "slurm"])
def test_whoever_computes_takes_a_card_by_the_same_locks(engine, tmp_path):
    """Of two cards, another process holds the first, so the second is taken; a file is made for each place that was tried."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(TWO_CARDS)
    (tmp_path / "temporary").mkdir()
    locks = tmp_path / "temporary" / f"snnx-cards-{os.getuid()}"
    locks.mkdir(mode=0o700)
    job = replace(composed(*QUICK), outputs=str(tmp_path / "outputs"))
    commands = {
        "one run": ["-m", "snnx", *QUICK],
        "plan": ["-m", "snnx", "plan", *QUICK, "hydra.launcher.n_jobs=1"],
        "sweep": ["-m", "snnx", "-m", "seed=0", *QUICK],
        "slurm": ["-c", SLURM, str(job.save(tmp_path / "jobs")), str(tmp_path)],
    }
    environment = {key: value for key, value in os.environ.items() if key not in (cards.VISIBLE, "PYTHONSAFEPATH")}
    environment |= {"PYTHONPATH": f"{tmp_path / 'site'}:{ROOT}", "TMPDIR": str(tmp_path / "temporary"), "OMP_NUM_THREADS": "1"}
    environment |= {"SUBMITIT_EXECUTOR": "slurm"} if engine == "slurm" else {}
    with (locks / "0.0").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, *commands[engine]], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in locks.iterdir()) == ["0.0", "1.0"], done.stdout + done.stderr
    assert bool(list(tmp_path.glob("outputs/runs/*/result.json"))) == (engine != "plan")

"""Cards are handed out evenly among all processes of a machine; the driver is an empty file, and torch counts four cards."""

import multiprocessing
import os
import signal
import subprocess
import sys

import pytest
import torch
from omegaconf import OmegaConf

from hydra_plugins.snnx_engine import EngineLauncher
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

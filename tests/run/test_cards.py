"""Cards are handed out evenly among all processes of a machine; the driver is an empty file, and torch counts four cards."""

import multiprocessing
import os
import signal

import pytest
import torch

from snnx.run import cards


@pytest.fixture
def four_cards(tmp_path, monkeypatch):
    driver = tmp_path / "driver"
    driver.touch()
    monkeypatch.setattr(cards, "DRIVERS", (str(driver),))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(os.environ.get(cards.VISIBLE, "0,1,2,3").split(",")))
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

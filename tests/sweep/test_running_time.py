"""The time limit of a run counts the seconds in which it could run."""

import signal
import subprocess
import time

import pytest

from snnx.sweep import running_time
from snnx.sweep.running_time import RunningTime, stopped


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def process():
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def test_a_stopped_process_does_not_use_up_its_time(process):
    ran = RunningTime(process.pid)
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: stopped(process.pid))
    before = ran.passed()
    time.sleep(0.3)
    assert ran.passed() == before
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: not stopped(process.pid))
    first = ran.passed()
    time.sleep(0.1)
    assert ran.passed() >= first + 0.1


def test_the_time_in_which_the_sweep_itself_is_stopped_does_not_count(monkeypatch):
    """Then nobody looks, and the next look comes after a long gap."""
    monkeypatch.setattr(running_time, "GAP_S", 0.1)
    waited = RunningTime()
    time.sleep(0.5)
    assert waited.passed() == 0.1


def test_a_process_that_has_ended_is_not_stopped(process):
    process.kill()
    process.wait()
    assert not stopped(process.pid)

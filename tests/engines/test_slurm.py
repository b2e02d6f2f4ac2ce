"""A real Slurm on loopback: a sweep as an array job, with a row that raises, one that is killed, and one that is pre-empted."""

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from command_line import FOUR, RAISES, copy_of_snnx, environment, holder, results

SCRIPT = Path(__file__).parent / "slurm_on_loopback.sh"
LINE = [
    "-m",
    "sweep=four",
    "seed=0",
    "hydra/launcher=snnx_slurm",
    "budget.samples=0.1",
    "timesteps=2",
    "trainer.accelerator=cpu",
]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The environment of a cluster of one machine."""
    if find_spec("hydra_plugins.hydra_submitit_launcher") is None:
        pytest.skip("the Slurm extra is not installed: pip install 'snnx[slurm]'")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons are started as root")
    if not all(shutil.which(word) for word in ("slurmctld", "slurmd", "munged", "sbatch", "srun")):
        if shutil.which("apt-get") is None:
            pytest.skip("Slurm is not installed, and there is no apt-get to install it")
        if subprocess.run([SCRIPT, "install"], capture_output=True, check=False, timeout=600).returncode:
            pytest.skip("Debian's slurm-wlm could not be installed")
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run(
        [SCRIPT, "start", folder], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if started.returncode:
        pytest.skip(f"Slurm cannot run on this machine: {started.stderr.strip()}")
    yield {"SLURM_CONF": str(folder / "slurm.conf")}
    subprocess.run([SCRIPT, "stop", folder], check=True)


def until(condition, seconds: float = 240):
    """What `condition` returns, once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s"
        time.sleep(0.2)
    return found


def asked(env: dict, *words: str) -> str:
    return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_raise_kill_and_preemption_then_the_same_line_again(slurm, tmp_path):
    source = copy_of_snnx(tmp_path / "site", sweep=FOUR.replace("LONG", "200"), neuron=RAISES)
    env = environment(source) | slurm
    command = [sys.executable, "-m", "snnx", *LINE]
    sweep = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    folder = {}
    for row in ("Killed", "Preempted"):
        link = tmp_path / "outputs" / "four"
        folder[row] = until(lambda link=link, row=row: next(link.glob(f"{row},*"), None)).resolve()
        until(lambda row=row: (folder[row] / "metrics.csv").exists())
        if row == "Killed":
            os.kill(holder(folder[row]), signal.SIGKILL)
    first = holder(folder["Preempted"])
    (task,) = asked(env, "squeue", "--noheader", "--states=RUNNING", "--format=%i").split()
    asked(env, "scancel", "--signal=USR2", task)
    until(lambda: "Restarts=1" in asked(env, "scontrol", "show", "job", task))
    until(lambda: holder(folder["Preempted"]) != first, 60)
    until(lambda: "PENDING" in asked(env, "squeue", "--noheader", "--format=%T", f"--jobs={task}"))
    asked(env, "scontrol", "update", f"jobid={task}", "StartTime=now")  # Slurm holds what was requeued for two minutes
    said, _ = sweep.communicate(timeout=400)
    ended = results(tmp_path)
    states = {row: one["status"] for row, one in ended.items()}
    assert states == {"Good": "done", "Raises": "failed", "Killed": "failed", "Preempted": "done"}, said
    assert ended["Raises"]["error"]["message"] == "this neuron raises"
    assert "killed by signal 9" in ended["Killed"]["error"]["message"]
    assert sweep.returncode == 1, said
    assert "2 of 4 runs failed or diverged" in said

    again = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=400, check=False)
    assert again.returncode == 1, again.stderr
    after = results(tmp_path)
    assert {row: one["status"] for row, one in after.items()} == states | {"Killed": "done"}
    for row in ("Good", "Preempted"):
        assert after[row] == ended[row], "a run that is done is not done again"
    assert "done before" in again.stdout
    assert "Restarts=1" in asked(env, "scontrol", "show", "job", task)

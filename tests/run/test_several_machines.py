"""One run on several machines: srun and torchrun start a command on each; here, both run on one machine, over loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import pytest
import yaml
from composing import composed

from snnx.run.execute import assist, execute
from snnx.run.machine_rank import MachineRank, machine_rank
from snnx.sweep import pool

QUICK = ["neuron=if", "trainer=ddp", "trainer.max_epochs=2", "budget.samples=0.2", "timesteps=2", "trainer.accelerator=cpu"]
ON_TWO = ["trainer.devices=1", "trainer.num_nodes=2"]
SLURM = {
    "SLURM_NODEID": "1", "SLURM_NNODES": "2", "SLURM_NTASKS": "2", "SLURM_NODELIST": "node[07-08]", "SLURM_JOB_ID": "4711234",
}  # fmt: skip
TORCHRUN = {
    "GROUP_RANK": "1", "GROUP_WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "1", "MASTER_ADDR": "node07", "MASTER_PORT": "29400",
}  # fmt: skip


def free_port():
    """A free port among those that a number of a Slurm job can give."""
    for port in range(15000 + os.getpid() % 5000, 25000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port between 15000 and 25000")


def on_two_machines(folder, line, started_by="srun"):
    """Start the command on two machines, both of which are this one."""
    port = free_port()
    commands = []
    for rank in (0, 1):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
        start = [sys.executable]
        if started_by == "torchrun":
            start += ["-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1"]
            start += ["--master-addr=127.0.0.1", f"--master-port={port}"]
        else:
            environment |= SLURM | {"SLURM_NODEID": str(rank), "SLURM_NODELIST": "127.0.0.1"}
            environment |= {"SLURM_JOB_ID": str(port - 15000), "SLURM_STEP_NODELIST": "127.0.0.1"}
        words = [*start, "-m", "snnx", *line]
        commands.append(subprocess.Popen(words, cwd=folder, env=environment, text=True, stdout=-1, stderr=-2))
    return commands


def test_slurm_and_torchrun_say_which_machine_this_is():
    assert machine_rank({"num_nodes": 2}, SLURM) == MachineRank(1, "node07", 16234)
    assert machine_rank({"num_nodes": 2}, TORCHRUN) == MachineRank(1, "node07", 29400)


@pytest.mark.parametrize("environment", [{}, SLURM, TORCHRUN])
def test_a_run_on_one_machine_reads_no_variables(environment):
    assert machine_rank({"devices": 2}, environment) == MachineRank(0)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, r"^trainer\.num_nodes=3 needs the command to be started once on each machine; got no SLURM_NODEID"),
        (SLURM, r"^trainer\.num_nodes must be the number of machines .*, 2; got 3 on machine 1$"),
        (TORCHRUN, r"^trainer\.num_nodes must be the number of machines .*, 2; got 3 on machine 1$"),
        (SLURM | {"SLURM_NTASKS": "8"}, r"^srun --ntasks-per-node must be 1, .*; got 4 by SLURM_NTASKS$"),
        (TORCHRUN | {"LOCAL_WORLD_SIZE": "4"}, r"^torchrun --nproc-per-node must be 1, .*; got 4 by LOCAL_WORLD_SIZE$"),
    ],
)
def test_another_number_of_machines_or_processes_is_refused(environment, message):
    with pytest.raises(ValueError, match=message):
        machine_rank({"num_nodes": 3}, environment)


@pytest.mark.slow
@pytest.mark.parametrize("started_by", ["torchrun", pytest.param("srun", marks=pytest.mark.faults)])
def test_two_machines_compute_what_two_processes_of_one_machine_do(tmp_path, started_by):
    commands = on_two_machines(tmp_path, [*QUICK, *ON_TWO], started_by)
    printed = [command.communicate(timeout=300)[0] for command in commands]
    assert [command.returncode for command in commands] == [0, 0], printed
    assert "this machine has trained its part" in printed[1]
    (folder,) = (tmp_path / "outputs" / "runs").iterdir()
    found = json.loads((folder / "result.json").read_text())

    one = replace(composed(*QUICK, "trainer.devices=2"), outputs=str(tmp_path / "one"))
    (expected,) = pool.run([one])
    assert expected["status"] == "done", expected["error"]
    for key in ("curves", "answers", "first_losses"):
        assert found[key] == expected[key]
    assert found["metrics"]["test/acc"] == expected["metrics"]["test/acc"]
    assert yaml.safe_load((folder / "config.yaml").read_text())["trainer"]["num_nodes"] == 2
    assert folder.name != one.id, "two machines are part of a run's identity, as two devices are"


def test_a_sweep_on_several_machines_is_refused(tmp_path, monkeypatch):
    from snnx.compose.check_all import check_all

    job = composed(*QUICK, *ON_TWO)
    with pytest.raises(
        ValueError, match=r"^trainer\.num_nodes must be 1 in a sweep, .*; got 2 in .*: execute this run by itself"
    ):
        check_all([job])


@pytest.mark.faults
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_machine_that_ends_does_not_leave_the_other_waiting(tmp_path, how):
    """A kill fails the run; a request to stop, such as Slurm's, lets both finish their epoch, and the run resumes later."""
    first, second = on_two_machines(tmp_path, [*QUICK, *ON_TWO, "trainer.max_epochs=500"])
    while not list(tmp_path.glob("outputs/runs/*/metrics.csv")):
        time.sleep(0.05)
    second.send_signal(how)
    printed = [command.communicate(timeout=120)[0] for command in (first, second)]
    (folder,) = (tmp_path / "outputs" / "runs").iterdir()
    if how == signal.SIGKILL:
        assert first.returncode == 1
        message = json.loads((folder / "result.json").read_text())["error"]["message"]
        assert message.startswith("a machine of the run may have stopped; what it printed says why: "), message
    else:
        assert [first.returncode, second.returncode] == [130, 130], printed
        assert not (folder / "result.json").exists()
        assert list(folder.glob("ckpt/*.ckpt"))


@pytest.mark.parametrize("machines", [1, 2])
def test_a_further_process_that_torchrun_started_on_a_machine_does_not_train(tmp_path, monkeypatch, machines):
    """It would train without a lock, and write to the files of the first process."""
    for key, value in (TORCHRUN | {"LOCAL_RANK": "1"}).items():
        monkeypatch.setenv(key, value)
    job = replace(composed(*QUICK, "trainer.devices=1", f"trainer.num_nodes={machines}"), outputs=str(tmp_path))
    leads = machine_rank(job.config["trainer"]).rank == 0
    with pytest.raises(RuntimeError, match=r"^LOCAL_RANK must not be set, because snnx starts the processes of a run; got 1$"):
        (execute if leads else assist)(job)
    assert leads == (machines == 1)
    assert not list(job.folder.glob("metrics.csv"))

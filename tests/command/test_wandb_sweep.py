"""W&B sweep definitions: their contents, and the command line of an agent, expanded by W&B's own code and executed."""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import yaml
from own_folder import write
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from snnx.command import wandb_sweep
from snnx.options import sweepfile
from snnx.options.sweepfile import find, read

ROOT = Path(__file__).parents[2]


def lines(definition: dict) -> list[list[str]]:
    """The command lines of all grid points, as W&B's agents build them."""
    axes = definition["parameters"]
    made = []
    for point in product(*(axis["values"] for axis in axes.values())):
        macros = create_sweep_command_args({"args": {key: {"value": value} for key, value in zip(axes, point, strict=True)}})
        macros |= {"env": ["/usr/bin/env"], "program": [definition["program"]]}
        line = []
        for word in create_sweep_command(definition["command"]):
            line += macros[word[2:-1]] if word.startswith("${") else [word]
        made.append(line)
    return made


@pytest.mark.parametrize("name", sweepfile.names())
def test_definition_of_every_sweep_has_one_run_per_row_and_seed(name):
    sweep = read(find(name))
    definition = yaml.safe_load(wandb_sweep.text(sweep, ["scale=small"]))
    assert definition["method"] == "grid"
    assert definition["parameters"]["row"]["values"] == [row.label for row in sweep.live]
    seeds = str(sweep.body["hydra"]["sweeper"]["params"]["seed"]).split(",")
    commands = lines(definition)
    assert len(commands) == len({tuple(line) for line in commands}) == len(sweep.live) * len(seeds)
    assert commands[0][:5] == ["/usr/bin/env", "snnx", f"sweep={name}", "logger=wandb", "scale=small"]
    assert set(commands[0][5:]) == {f"row={sweep.live[0].label}", "seed=0"}


def test_an_override_removes_its_axis():
    definition = yaml.safe_load(wandb_sweep.text(read(find("demo_neurons")), ["seed=7"]))
    assert set(definition["parameters"]) == {"row"}
    assert "seed=7" in definition["command"]


@pytest.mark.parametrize("word", ["seed=0,1", "seed", "--seed=1"])
def test_overrides_without_exactly_one_value_are_rejected(word):
    with pytest.raises(ValueError, match="an override must be key=value with one value; got"):
        wandb_sweep.text(read(find("demo_neurons")), [word])


def test_an_axis_that_is_not_a_list_is_rejected(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text("sweep: {paper: a, artifact: b, metric: test/acc}\nhydra: {sweeper: {params: {seed: 'range(0,3)'}}}\n")
    with pytest.raises(ValueError, match=r"odd.yaml: seed must be a plain list such as 0,1,2 .*; got range\(0,3\)"):
        wandb_sweep.text(read(path), [])


@pytest.mark.parametrize("key", ["--config-dir", "-cd", "seed --config-dir"])
def test_an_axis_cannot_become_an_option_of_the_command(tmp_path, monkeypatch, capsys, key):
    """W&B writes each axis into the command line as KEY=VALUE."""
    monkeypatch.chdir(tmp_path)
    text = f"sweep: {{paper: a, artifact: b, metric: test/acc}}\nhydra: {{sweeper: {{params: {{{key}: evil}}}}}}\n"
    write(tmp_path, "sweeps/odd.yaml", text)
    assert wandb_sweep.main(["odd"]) == 2
    assert f"odd.yaml: hydra.sweeper.params: a key must consist of letters, digits and _, as in neuron.tau; got {key}" in (
        capsys.readouterr().err
    )


def test_an_unknown_sweep_is_reported_in_one_line(capsys):
    assert wandb_sweep.main(["fig10"]) == 2
    assert "snnx wandb-sweep: sweep must be one of" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_of_an_agent_executes_one_run_of_the_sweep(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert wandb_sweep.main(["demo_neurons", "scale=smoke"]) == 0
    written = Path(capsys.readouterr().out.splitlines()[0])
    line = lines(yaml.safe_load(written.read_text()))[-1]
    shim = tmp_path / "bin" / "snnx"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m snnx "$@"\n')
    shim.chmod(0o755)
    path = f"{shim.parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "WANDB_MODE": "offline"}
    done = subprocess.run(line, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (result,) = tmp_path.glob("outputs/demo_neurons/KLIF,seed=2*/result.json")
    found = json.loads(result.read_text())
    assert (found["sweep"], found["row"], found["seed"], found["status"]) == ("demo_neurons", "KLIF", 2, "done")
    assert list(result.parent.glob("wandb/offline-run-*/*.wandb"))

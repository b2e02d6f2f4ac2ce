"""The guide's commands that begin with `snnx` compose; all but Slurm's also run, each in an empty folder.

They run with the snnx of the wheel, and a sweep of `demo_neurons` on one seed instead of three. `test_slurm.py` runs a sweep on
a real Slurm. The guide's lines with `srun` and `torchrun` are not executed, since they need two machines with GPUs;
`tests/run/test_several_machines.py` starts such runs on one machine.
"""

import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from command_line import ROOT, snnx

from snnx.command import main

GUIDE = (ROOT / "docs" / "guides" / "laptop_to_slurm.md").read_text(encoding="utf-8")
LINES = re.findall(r"```sh\n(snnx .*?)\n```", GUIDE, re.DOTALL)
NEEDS = {
    "snnx_joblib": "hydra_plugins.hydra_joblib_launcher",
    "snnx_slurm": "hydra_plugins.hydra_submitit_launcher",
    "snnx_ray": "hydra_plugins.hydra_ray_launcher",
    "snnx_optuna": "optuna",
}


def words(line: str) -> list[str]:
    return shlex.split(line)[1:]


def test_every_engine_has_its_command():
    assert len(LINES) == 7
    for option in NEEDS:
        assert sum(f"={option}" in line for line in LINES) == 1
    files = {path.stem for path in (ROOT / "conf" / "hydra" / "launcher").glob("*.yaml")}
    assert files == {option for option in NEEDS if option != "snnx_optuna"}


@pytest.mark.parametrize("line", [line for line in LINES if words(line)[0] not in main.COMMANDS])
def test_options_of_the_guide_exist(line, tmp_path):
    """Hydra composes the line, with the engine's own settings, and prints them."""
    single = [word for word in words(line) if word != "-m" and "(" not in word]  # Hydra prints no multirun
    done = snnx(tmp_path, *single, "--cfg", "hydra")
    assert done.returncode == 0, done.stderr
    for word in words(line):
        if word.startswith("hydra.launcher.engine"):
            assert f"{word.split('=')[0].rpartition('.')[2]}: {word.split('=')[1]}" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in LINES if "snnx_slurm" not in line])
def test_commands_of_the_guide_run(line, wheel, tmp_path):
    """`seed=0` is added to the commands that start the sweep, so that it has a third of its runs."""
    for option, module in NEEDS.items():
        if option in line and find_spec(module) is None:
            pytest.skip(f"{option} is not installed")
    short = ["seed=0"] if "sweep=demo_neurons" in line and "wandb" not in line else []
    done = snnx(tmp_path, *words(line), *short, source=wheel)
    assert done.returncode == 0, done.stderr


def test_links_and_files_of_the_guide_exist():
    for path in re.findall(r"`((?:tests|conf)/[\w/.]+)`", GUIDE):
        assert Path(ROOT / path).exists(), path
    assert shutil.which("bash")

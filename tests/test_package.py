"""A wheel that is built from this checkout works in an empty folder."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_wheel_contains_modules_options_sweeps_and_plugins(wheel):
    files = {str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()}
    tracked = [p for top in ("conf", "sweeps") for p in (ROOT / top).rglob("*.yaml")]
    assert {f"snnx/{path.relative_to(ROOT)}" for path in tracked} <= files
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "snnx").rglob("*.py")}
    assert modules <= files, "also modules in folders whose names .gitignore contains"
    templates = [path for path in (ROOT / "snnx" / "command" / "project").rglob("*") if path.is_file()]
    assert {str(path.relative_to(ROOT)) for path in templates} <= files, "hidden files too"
    assert "hydra_plugins/snnx_local.py" in files
    assert "hydra_plugins/__init__.py" not in files, "other packages add plugins to the same namespace package"
    assert not {name for name in files if name.startswith(("tests/", "outputs/", "docs/"))}
    (entry,) = wheel.glob("*.dist-info/entry_points.txt")
    assert "snnx = snnx.command.main:main" in entry.read_text()


@pytest.mark.slow
def test_wheel_runs_a_sweep_in_an_empty_folder(wheel, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(wheel), "PYTHONSAFEPATH": "1"}
    words = ["-m", "sweep=demo_neurons", "row=IF", "seed=0", "scale=smoke"]
    code = "import sys; from snnx.command.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outputs" / "demo_neurons" / "report" / "report.html").is_file()


@pytest.mark.slow
def test_wheel_creates_a_project_in_an_empty_folder(wheel, tmp_path):
    """The commands in the new project's README and its tests run with the wheel alone."""
    env = {**os.environ, "PYTHONPATH": str(wheel), "PYTHONSAFEPATH": "1"}
    code = "import sys; from snnx.command.main import main; sys.exit(main())"
    snnx = [sys.executable, "-c", code]
    subprocess.run([*snnx, "new", "mylab"], cwd=tmp_path, env=env, check=True)
    readme = (tmp_path / "mylab" / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"```sh\n(.*?)```", readme, re.DOTALL)[1].splitlines()
    commands = [[*snnx, *shlex.split(line, comments=True)[1:]] for line in lines]
    assert len(commands) == 2
    for command in (*commands, [sys.executable, "-m", "pytest"]):
        done = subprocess.run(command, cwd=tmp_path / "mylab", env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "mylab" / "outputs" / "mylab_tiring" / "report" / "report.html").is_file()


MISSPELLED = {
    "top level": ("timestep: 8", "timestep"),
    "component": ("neuron: {taau: 3.0}", "LIF has no argument taau"),
}


@pytest.mark.slow
@pytest.mark.parametrize("where", MISSPELLED)
@pytest.mark.parametrize("kind", ["sweep", "recipe"])
def test_a_misspelled_key_in_a_file_is_rejected(wheel, tmp_path, where, kind):
    """The test adds a wrong sweep file or recipe to a copy of the installed package."""
    shutil.copytree(wheel, tmp_path / "site")
    line, message = MISSPELLED[where]
    facts = "sweep: {paper: bad, artifact: none, metric: val/acc}\nrows: {A: {set: [neuron=lif]}}\n"
    if kind == "sweep":
        (tmp_path / "site" / "snnx" / "sweeps" / "bad_file.yaml").write_text(f"{facts}{line}\n")
        words = ["-m", "sweep=bad_file"]
    else:
        (tmp_path / "site" / "snnx" / "conf" / "recipe" / "bad_file.yaml").write_text(f"# @package _global_\n{line}\n")
        words = ["recipe=bad_file"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONSAFEPATH": "1"}
    code = "import sys; from snnx.command.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert where != "top level" or f"{kind if kind == 'recipe' else 'sweeps'}/bad_file.yaml: " in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "outputs" / "runs").exists()

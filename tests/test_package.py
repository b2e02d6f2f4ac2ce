"""A wheel that is built from this checkout works in an empty folder."""

import re
import shutil
from pathlib import Path

import pytest
import warm

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


def test_the_readme_of_a_new_project_has_commands_of_the_guide():
    """`test_own_folder.py` follows the guide with the wheel alone, so it runs them."""
    template = ROOT / "snnx" / "command" / "project" / "README.md.template"
    (shown,) = re.findall(r"```sh\n(.*?)```", template.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line.partition("#")[0].strip() for line in shown.splitlines()]
    guide = (ROOT / "docs" / "guides" / "your_own_project.md").read_text(encoding="utf-8").splitlines()
    assert len(commands) == 2
    assert set(commands) <= set(guide)


MISSPELLED = {
    "top level": ("timestep: 8", "timestep"),
    "component": ("neuron: {taau: 3.0}", "LIF has no argument taau"),
}


@pytest.mark.slow
@pytest.mark.parametrize("where", MISSPELLED)
@pytest.mark.parametrize("kind", ["sweep", "recipe"])
def test_a_misspelled_key_in_a_file_is_rejected(wheel, tmp_path, where, kind):
    """The test adds a wrong sweep file or recipe to a copy of the installed package."""
    shutil.copytree(wheel, tmp_path / "site", symlinks=True)
    line, message = MISSPELLED[where]
    facts = "sweep: {paper: bad, artifact: none, metric: val/acc}\nrows: {A: {set: [neuron=lif]}}\n"
    if kind == "sweep":
        (tmp_path / "site" / "snnx" / "sweeps" / "bad_file.yaml").write_text(f"{facts}{line}\n")
        words = ["-m", "sweep=bad_file"]
    else:
        (tmp_path / "site" / "snnx" / "conf" / "recipe" / "bad_file.yaml").write_text(f"# @package _global_\n{line}\n")
        words = ["recipe=bad_file"]
    done = warm.python(["-m", "snnx", *words], tmp_path, tmp_path / "site", PYTHONSAFEPATH="1")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert where != "top level" or f"{kind if kind == 'recipe' else 'sweeps'}/bad_file.yaml: " in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / "outputs" / "runs").exists()

"""What the guides print can be typed: their files written, their commands run, in their order, in a checkout of its own."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GUIDES = ("first_sweep", "add_a_neuron", "add_a_table", "bring_your_data", "spiking_metrics")
STEP = re.compile(r"(?:`((?:snnx|conf|sweeps)/[\w/]+\.(?:py|yaml))`:\n\n)?```(python|yaml|sh)\n(.*?)```", re.DOTALL)


@pytest.fixture
def checkout(tmp_path):
    for part in ("snnx", "conf", "sweeps", "hydra_plugins"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES)
def test_it_can_be_followed(guide, checkout):
    steps = STEP.findall((ROOT / "docs" / "guides" / f"{guide}.md").read_text(encoding="utf-8"))
    assert steps
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "SNNX_DATA": str(checkout / "data")}
    for path, kind, text in steps:
        if path:
            (checkout / path).write_text(text)
            continue
        lines = text.replace("\\\n", " ").splitlines()
        commands = [["-c", text]] if kind == "python" else [["-m", "snnx", *shlex.split(line, True)[1:]] for line in lines]
        folder = checkout / "data" if kind == "python" else checkout
        for words in commands:
            done = subprocess.run(
                [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{words}: {done.stdout[-1000:]}{done.stderr[-1000:]}"
    if guide == "add_a_neuron":
        done = subprocess.run(
            [sys.executable, "-m", "doctest", "-o", "NORMALIZE_WHITESPACE", "snnx/neuron/quadratic.py"],
            cwd=checkout, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
    if guide == "add_a_table":
        assert (checkout / "docs" / "results" / "my_time_constants.md").exists()


def test_the_readme_names_each_guide():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "guides").glob("*.md"):
        assert f"docs/guides/{path.name}" in text, path.name

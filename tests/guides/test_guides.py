"""The guides about the shipped parts can be followed in an empty folder, with the snnx that is installed from the wheel."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from following import ROOT, follow, text_of

TESTS = Path(__file__).parents[1]
GUIDES = ("runs_and_records", "audit", "data_sets", "spiking_metrics", "convert", "first_spike")
TUNE = pytest.param("tune", marks=pytest.mark.skipif(find_spec("optuna") is None, reason="pip install 'snnx[optuna]'"))


def test_every_guide_is_executed_by_a_test():
    """Most are followed line by line, here or in `test_own_folder.py`, as `following.py` describes.

    Two are executed with changes, which the docstrings of their tests state: `compare_in_wandb` in `tests/dashboard` and
    `laptop_to_slurm` in `tests/engines`. Of `fused_neurons`, the Python blocks are executed.
    """
    tests = "".join(path.read_text() for folder in ("guides", "engines", "dashboard") for path in (TESTS / folder).glob("*.py"))
    for path in (ROOT / "docs" / "guides").glob("*.md"):
        assert f'"{path.stem}"' in tests or f'"{path.name}"' in tests, path.name


def test_the_lines_of_the_guide_to_kernels_run(capsys):
    known = {}
    for block in re.findall(r"```python\n(.*?)```", text_of("fused_neurons"), re.DOTALL):
        exec(block, known)
    shown = re.findall(r"^(a\d) = ([\w ]+)\((.*?)\)", text_of("fused_neurons"), re.MULTILINE)
    assert len(shown) == 7
    lines = [" ".join([name, kind, *arguments.split(", ")]) for name, kind, arguments in shown]
    assert capsys.readouterr().out.splitlines()[:7] == lines


@pytest.mark.slow
def test_the_first_one_can_be_followed(wheel, tmp_path):
    follow("first_sweep", tmp_path, package=wheel)


@pytest.mark.guides
@pytest.mark.parametrize("guide", [*GUIDES, TUNE])
def test_it_can_be_followed(guide, wheel, tmp_path):
    follow(guide, tmp_path, package=wheel)

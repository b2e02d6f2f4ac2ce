"""The guides to a folder of one's own, followed from the first line to the last, beginning in an empty folder."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from following import follow, run, text_of

TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)
pytestmark = pytest.mark.slow


def result_of(run: Path) -> dict:
    return json.loads((run / "result.json").read_text())


def numbers_of(run: Path) -> dict:
    """What a run measured, without the times that it took."""
    return {name: value for name, value in result_of(run)["metrics"].items() if name.startswith(("test/", "val/"))}


def test_your_own_project(tmp_path):
    folder = follow("your_own_project", tmp_path)
    assert folder == tmp_path / "mylab"
    assert (folder / "docs" / "results" / "mylab_tiring.md").is_file()
    assert len(list(folder.glob("outputs/single/*lossy*"))) == 1
    for block in TOML.findall(text_of("your_own_project")):
        for table, value in tomllib.loads(block).items():
            stated = tomllib.loads((folder / "pyproject.toml").read_text())[table]
            assert all(stated[key] == value[key] for key in value), "the guide shows what the folder has"

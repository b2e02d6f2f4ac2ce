"""The guide to a project of one's own, typed from its first line to its last in an empty folder."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "your_own_project.md").read_text(encoding="utf-8")
STEP = re.compile(r"(?:`([\w/]+\.(?:py|yaml))`:\n\n)?```(python|yaml|sh|toml)\n(.*?)```", re.DOTALL)


@pytest.mark.slow
def test_it_can_be_followed(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    folder = tmp_path
    for path, kind, text in STEP.findall(GUIDE):
        if path:
            (folder / path).write_text(text)
        if kind == "toml":
            for table, value in tomllib.loads(text).items():
                stated = tomllib.loads((folder / "pyproject.toml").read_text())[table]
                assert all(stated[key] == value[key] for key in value), "the guide shows what the folder has"
        for line in text.splitlines() if kind == "sh" else ():
            program, *words = shlex.split(line)
            if program == "cd":
                folder = folder / words[0]
                continue
            words = ["-m", "snnx", *words] if program == "snnx" else words
            done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{line}: {done.stdout[-1000:]}{done.stderr[-1000:]}"
    assert folder == tmp_path / "mylab"
    assert (folder / "docs" / "results" / "mylab_tiring.md").is_file()
    assert len(list(folder.glob("outputs/single/*lossy*"))) == 1

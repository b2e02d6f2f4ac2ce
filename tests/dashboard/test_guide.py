"""The commands of the guide on W&B exist and run in the order in which it gives them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from snnx.command import main

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "guides" / "compare_in_wandb.md").read_text(encoding="utf-8")
LINES = re.findall(r"```sh\n(snnx .*?)\n```", GUIDE, re.DOTALL)


def test_commands_of_the_guide_exist():
    assert [shlex.split(line)[1] for line in LINES] == ["dashboard", "-m", "sync"]
    assert {"dashboard", "sync"} <= set(main.COMMANDS)


@pytest.mark.slow
def test_commands_of_the_guide_run(tmp_path):
    """Without a W&B account: one run of the sweep, the dashboard of it, and an upload that reports the missing key."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NETRC": str(tmp_path / "netrc")}
    environment = {key: value for key, value in environment.items() if not key.startswith("WANDB_")}
    dashboard, sweep, sync = (shlex.split(line)[1:] for line in LINES)
    for words, code, printed in (
        ([*sweep, "row=PLIF", "seed=0", "trainer.max_epochs=1", "timesteps=2"], 0, "test/acc"),
        (dashboard, 0, "outputs/demo_neurons/dashboard.html"),
        (sync, 1, "1 run has to be uploaded, but no W&B API key is known"),
    ):
        command = [sys.executable, "-m", "snnx", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert printed in done.stdout + done.stderr
    assert (tmp_path / "outputs" / "demo_neurons" / "dashboard.html").stat().st_size > 10_000

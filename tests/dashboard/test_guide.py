"""The commands of the guide on the dashboard and W&B exist, and run in the guide's order with the snnx of the wheel."""

import os
import re
import shlex
from pathlib import Path

import pytest
import warm

from snnx.command import main

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "guides" / "compare_in_wandb.md").read_text(encoding="utf-8")
LINES = re.findall(r"```sh\n(snnx .*?)\n```", GUIDE, re.DOTALL)


def test_commands_of_the_guide_exist():
    assert [shlex.split(line)[1] for line in LINES] == ["-m", "dashboard", "sync"]
    assert {"dashboard", "sync"} <= set(main.COMMANDS)


@pytest.mark.guides
def test_commands_of_the_guide_run(wheel, tmp_path, monkeypatch):
    """Without a W&B account, so the upload reports the missing key. Added words shorten the sweep to one run."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    sweep, dashboard, sync = (shlex.split(line)[1:] for line in LINES)
    for words, code, printed in (
        ([*sweep, "row=PLIF", "seed=0", "trainer.max_epochs=1", "timesteps=2"], 0, "test/acc"),
        (dashboard, 0, "outputs/demo_neurons/dashboard.html"),
        (sync, 1, "1 run has to be uploaded, but no W&B API key is known"),
    ):
        done = warm.python(["-m", "snnx", *words], tmp_path, wheel, NETRC=str(tmp_path / "netrc"))
        assert done.returncode == code, done.stderr
        assert printed in done.stdout + done.stderr
    assert (tmp_path / "outputs" / "demo_neurons" / "dashboard.html").stat().st_size > 10_000

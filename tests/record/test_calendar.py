"""Nothing that decides asks for the time of day, which may jump and differs between machines."""

import ast
from pathlib import Path

import pytest

import snnx

ROOT = Path(snnx.__file__).parent
SHOWN = {
    "snnx/sweep/pool.py",
    "snnx/run/execute.py",
    "snnx/command/replay.py",
    "snnx/command/bench.py",
    "snnx/dashboard/page.py",
}
"""Modules that write the date and time of something into a file for readers."""


def asks_for_the_time_of_day(module: ast.AST) -> set[str]:
    """The calls of `time.time`, `datetime.now` and the like."""
    calls = (node.func for node in ast.walk(module) if isinstance(node, ast.Call))
    names = {ast.unparse(call) for call in calls if isinstance(call, ast.Attribute)}
    return names & {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


ROOMS = [ROOT.parent / "hydra_plugins", *(path for path in ROOT.iterdir() if path.is_dir() and path.name != "bench")]


@pytest.mark.parametrize("room", sorted(ROOMS), ids=lambda room: room.name)
def test_no_module_asks_for_the_time_of_day_to_decide_something(room):
    for path in room.rglob("*.py"):
        asked = asks_for_the_time_of_day(ast.parse(path.read_text(encoding="utf-8")))
        if path.relative_to(ROOT.parent).as_posix() in SHOWN:
            asked -= {"datetime.now"}
        assert not asked, f"{path} calls {asked}: use time.monotonic"

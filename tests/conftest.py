"""Settings and fixtures of all tests; no test needs downloaded data, a GPU, a network or an account."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("snnx", deadline=None)  # a test must not fail because the machine is busy
settings.load_profile("snnx")
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """Changes to an empty folder, and sets SNNX_DATA so that no data set is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNNX_DATA", str(tmp_path / "data"))
    return tmp_path

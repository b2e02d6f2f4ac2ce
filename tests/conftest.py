"""What all tests share: runs land in a folder of the test, and no test needs data, a GPU, a network or an account."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("snnx", deadline=None)  # a busy machine is no failure
settings.load_profile("snnx")
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty current folder, with no data set on this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNNX_DATA", str(tmp_path / "data"))
    return tmp_path

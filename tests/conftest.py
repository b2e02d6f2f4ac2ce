"""Settings and fixtures of all tests; no test needs downloaded data, a GPU, a network or an account."""

import gc
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

settings.register_profile("snnx", deadline=None)  # a test must not fail because the machine is busy
settings.load_profile("snnx")
sys.path.insert(0, str(Path(__file__).parent))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Stops the garbage collector from searching all imported objects again and again during the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    """Gives the variable back that `snnx.command.main` sets, since other tests start Python in a folder with modules."""
    monkeypatch.setenv("PYTHONSAFEPATH", os.environ.get("PYTHONSAFEPATH", ""))


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """Changes to an empty folder, and sets SNNX_DATA so that no data set is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNNX_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def card():
    """A pretended GPU for the time of a test; its value notes what the host waited for."""
    from pretended_gpu import pretended_gpu  # here, since it imports torch

    from snnx.neuron.kernel.cuda.works import trouble

    with pretended_gpu() as seen:
        yield seen
    trouble.cache_clear()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """A wheel that is built from this checkout, unpacked as pip would."""
    from loops import share_loops  # here, since the folder of this file is on the path only now

    folder = tmp_path_factory.mktemp("wheel")
    script = f"import hatchling.build as b, os; os.chdir({str(ROOT)!r}); print(b.build_wheel({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "site")
    share_loops(folder / "site" / "snnx")
    return folder / "site"

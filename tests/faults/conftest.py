"""A copy of snnx with a neuron that misbehaves on demand, and commands that run it as a user's shell would."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import warm
from loops import share_loops

ROOT = Path(__file__).parent.parent.parent
FAULTY = '''
import ctypes, os, resource, signal, sys, time
from pathlib import Path

from snnx.neuron.lif import LIF


class Unpicklable(RuntimeError):
    def __reduce__(self): raise TypeError("cannot be pickled")


class Faulty(LIF):
    """LIF that does `fault` at its call number `at`; only once if a file `spent` is given, which it creates then."""

    def __init__(self, *, fault: str = "none", at: int = 3, spent: str | None = None) -> None:
        super().__init__()
        self.fault, self.at, self.spent, self.calls = fault, at, spent, 0

    def multi_step_functional_forward(self, inputs, states):
        self.calls += 1
        if self.calls == self.at and not (self.spent and Path(self.spent).exists()):
            if self.spent and self.fault not in ("count", "raise"):
                Path(self.spent).touch()
            getattr(self, f"do_{self.fault}")()
        return super().multi_step_functional_forward(inputs, states)

    def do_none(self): pass
    def do_count(self): Path(f"{self.spent}.{os.getpid()}.{id(self)}").touch()
    def do_raise(self): raise RuntimeError("a mistake in a neuron")
    def do_unpicklable(self): raise Unpicklable("neither this error nor its run can be pickled")
    def do_exit0(self): sys.exit(0)
    def do_exit3(self): sys.exit(3)
    def do_leave(self): os._exit(0)
    def do_kill(self): os.kill(os.getpid(), signal.SIGKILL)
    def do_segfault(self): ctypes.string_at(0)
    def do_memory(self):
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
        bytearray(2**32)
    def do_hang(self): time.sleep(1000)
    def do_stop(self):
        Path(self.spent).write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    def do_remove(self): __import__("shutil").rmtree(Path(self.spent).parent / "outputs" / "runs")
'''


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of the copy, to be put on PYTHONPATH."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("snnx", "conf", "sweeps", "hydra_plugins"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    share_loops(folder / "snnx")
    (folder / "snnx" / "neuron" / "faulty.py").write_text(FAULTY)
    (folder / "conf" / "neuron" / "faulty.yaml").write_text(
        "_target_: snnx.neuron.faulty.Faulty\n_partial_: true\nfault: none\nat: 3\nspent: null\n"
    )
    return folder


class Shell:
    """Runs snnx commands in one folder."""

    def __init__(self, folder: Path, site: Path) -> None:
        self.folder, self.site = folder, site
        self.env = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}

    def start(self, *words: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "snnx", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.env, **pipes)

    def run(self, *words: str) -> subprocess.CompletedProcess:
        """Run a command to its end."""
        return warm.python(["-m", "snnx", *words], self.folder, self.site)

    def results(self) -> dict[str, dict]:
        """The results of all runs that have one, by row and seed."""
        found = (json.loads(path.read_text()) for path in self.folder.glob("outputs/runs/*/result.json"))
        return {f"{result['row']},seed={result['seed']}": result for result in found}


@pytest.fixture
def shell(tmp_path, site) -> Shell:
    return Shell(tmp_path, site)


@pytest.fixture
def elsewhere(tmp_path_factory, site) -> Callable[[], Shell]:
    """A function that returns a shell in another empty folder."""
    return lambda: Shell(tmp_path_factory.mktemp("elsewhere"), site)

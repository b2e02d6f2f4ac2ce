"""The fork server: what it imports must not start CUDA, because it may be forked, nor come from a received folder."""

import json
import subprocess
import sys
from pathlib import Path

from own_folder import write

CODE = """
import json, sys
import snnx.run.execute, snnx.run.loaded_code
import torch
print(json.dumps({"cuda": torch.cuda.is_initialized(), "triton": [name for name in sys.modules if "triton_runtime" in name]}))
"""


def test_what_it_imports_does_not_start_cuda():
    """A process that is forked after CUDA has started cannot use a GPU; SpikingJelly's Triton runtime starts it on import."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == {"cuda": False, "triton": []}


RECEIVED = """
import sys
from snnx.command import main
sys.argv = ["snnx", "--version"]
main.main()
from multiprocessing import forkserver, get_context
forkserver.ensure_running()
process = get_context("forkserver").Process(target=print, args=("from the fork server",), kwargs={"flush": True})
process.start()
process.join()
"""


def test_it_imports_no_module_of_the_current_folder(tmp_path):
    """Python itself would look for `multiprocessing` there first. `-P` is how the program `snnx` starts."""
    for name in ("multiprocessing", "signal", "socket", "random"):
        write(tmp_path, f"{name}.py", f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    done = subprocess.run([sys.executable, "-P", "-c", RECEIVED], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "from the fork server"
    assert not Path(tmp_path, "ran").exists()

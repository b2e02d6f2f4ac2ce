"""The fork server may be forked on a machine with a GPU: what it imports must not start CUDA."""

import json
import subprocess
import sys

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

"""The process that starts runs, and only looks at them, stays light."""

import subprocess
import sys
from pathlib import Path

import pytest

from snnx.run.cards import DRIVERS

PROGRAM = """
import sys
from snnx.command.main import main

sys.argv = ["snnx", *sys.argv[1:]]
code = main()
print("heavy:", [name for name in ("torch", "pytorch_lightning", "numba", "spikingjelly") if name in sys.modules])
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.skipif(any(Path(driver).exists() for driver in DRIVERS), reason="torch is asked how many GPUs there are")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-m", "seed=0,1", "scale=smoke"], 0),
        pytest.param(["plan", "neuron=if,lif", "scale=smoke"], 0, marks=pytest.mark.faults),
        (["-m", "neuron.tau=2,0.5", "scale=smoke"], 2),
    ],
    ids=["sweep", "plan", "refused"],
)
def test_it_never_imports_torch(words, code, empty):
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == "heavy: []"
    if code:
        assert (
            done.stderr
            == "snnx: LIF: tau must be greater than 1 (in time steps) and finite; got 0.5 [neuron.tau=0.5,scale=smoke seed=0]\n"
        )

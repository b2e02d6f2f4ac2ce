"""A grid in which a value is listed twice would run, or print, a row twice."""

import pytest
from command_lines import snnx
from own_folder import write

FILE = """# Two neurons.
#   snnx -m sweep=few
sweep: {paper: own, artifact: T, metric: test/acc}
rows: {A: {set: [neuron=if]}, B: {set: [neuron=lif]}}
hydra: {sweeper: {params: {seed: "0,1,1"}}}
"""


@pytest.mark.parametrize(
    ("words", "twice"),
    [
        (["sweep=few"], "seed must list each value once; got 1 twice"),
        (["sweep=few", "seed=5,5"], "seed must list each value once; got 5 twice"),
        (["sweep=few", "row=A,A", "seed=0"], "row must list each value once; got A twice"),
        (["neuron=if,lif,if"], "neuron must list each value once; got if twice"),
    ],
)
def test_a_value_that_is_listed_twice_is_rejected(tmp_path, words, twice):
    write(tmp_path, "sweeps/few.yaml", FILE)
    done = snnx(tmp_path, "-m", *words, "scale=smoke")
    assert (done.returncode, done.stderr) == (2, f"snnx: {twice}\n")
    assert not (tmp_path / "outputs" / "runs").exists()

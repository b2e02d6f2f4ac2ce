"""A norm and a neuron layer as one Triton kernel, in Triton's interpreter: how much they differ from the two definitions.

As with `interpreted.py`, `test_triton.py` runs this file in a process of its own.
"""

import numpy as np
import pytest
import torch
from neurons import (
    GRADIENT_DIFFERENCE,
    OTHER_SPIKES,
    POTENTIAL_DIFFERENCE,
    TAKEN,
    TRACED,
    as_one_on_triton,
    differences,
    norm_of,
    normed_run,
    option,
)
from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

from snnx.neuron.kernel.find import definition_only
from snnx.neuron.kernel.norm_in_front import repeatable
from snnx.neuron.kernel.trace import trace
from snnx.neuron.lif import LIF

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # the interpreter computes with NumPy


@pytest.fixture
def rounded_once(monkeypatch):
    """Round a product and a sum once, as a GPU does, where NumPy rounds twice."""

    def fma(self, x, y, z):
        exact = x.data.astype(np.float64) * y.data + z.data
        return TensorHandle(exact.astype(np.float32), z.dtype.scalar)

    monkeypatch.setattr(InterpreterBuilder, "create_fma", fma)


def both(neuron, norm, shape=(11, 2, 3, 4, 4)):
    """Run as one kernel and as two definitions, on the same values."""
    torch.manual_seed(7)
    x = torch.randn(shape) * 1.5 + 0.3
    one = normed_run(*as_one_on_triton(norm_of(norm, shape[2]), neuron()), x)
    with definition_only():
        two = normed_run(norm_of(norm, shape[2]), neuron(), x)
    assert (one.path, two.path) == ("triton", "definition")
    assert two.spikes.any()
    return one, two


@pytest.mark.parametrize("norm", TAKEN)
@pytest.mark.parametrize("name", TRACED)
def test_the_largest_difference_of_every_neuron(name, norm):
    found = differences(*both(lambda: option("neuron", name), norm))
    assert found.spikes == 0  # among these few
    assert found.potential <= POTENTIAL_DIFFERENCE
    assert found.gradient <= GRADIENT_DIFFERENCE


@pytest.mark.skipif(not repeatable(torch.device("cpu")), reason="this CPU rounds a product and a sum of a norm apart")
@pytest.mark.parametrize("norm", TAKEN)
@pytest.mark.parametrize("name", TRACED)
def test_with_one_rounding_every_spike_and_potential_is_the_same(name, norm, rounded_once):
    one, two = both(lambda: option("neuron", name), norm)
    assert torch.equal(one.spikes, two.spikes)
    found = differences(one, two)
    assert found.potential <= (0.0 if trace(option("neuron", name), 4).exact else POTENTIAL_DIFFERENCE)
    assert found.gradient <= GRADIENT_DIFFERENCE


@pytest.mark.parametrize("norm", TAKEN)
def test_the_share_of_other_spikes_among_many(norm):
    found = differences(*both(lambda: LIF(tau=2.3), norm, shape=(8, 8, 32, 12, 12)))
    assert found.spikes <= OTHER_SPIKES
    assert found.potential <= POTENTIAL_DIFFERENCE

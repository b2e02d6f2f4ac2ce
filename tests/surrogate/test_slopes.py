"""Every option of conf/surrogate has the slope of the formula in its YAML."""

import math

import pytest
import torch
import yaml
from hydra.utils import instantiate

from snnx.options.folders import shipped
from snnx.surrogate.damped_triangle import DampedTriangle
from snnx.surrogate.dspike import Dspike

FORMULAS = {
    "arctan": lambda a, x: a / (2 * (1 + (math.pi / 2 * a * x) ** 2)),
    "sigmoid": lambda a, x: a / (1 + math.exp(-a * x)) * (1 - 1 / (1 + math.exp(-a * x))),
    "soft_sign": lambda a, x: a / (2 * (1 + a * abs(x)) ** 2),
    "triangle": lambda a, x: max(0.0, a - a * a * abs(x)),
    "rectangle": lambda a, x: a * (abs(x) < 1 / (2 * a)),
    "damped_triangle": lambda a, x: max(0.0, 0.3 * (1 - a * abs(x))),
    "dspike": lambda a, x: a * (1 - math.tanh(a * x) ** 2) / (2 * math.tanh(3 * a)),  # all points are closer than 3
    "fast_sigmoid": lambda a, x: 1 / (1 + a * abs(x)) ** 2,
}


def test_every_surrogate_has_a_formula():
    assert {path.stem for path in (shipped("conf") / "surrogate").glob("*.yaml")} == set(FORMULAS)


@pytest.mark.parametrize("alpha", [None, 0.5, 3])
@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_slope(name, alpha):
    node = yaml.safe_load((shipped("conf") / "surrogate" / f"{name}.yaml").read_text())
    if alpha is not None:
        node["alpha"] = alpha
    x = torch.tensor([-2.0, -0.7, -0.05, 0.0, 0.05, 0.7, 2.0], requires_grad=True)
    spikes = instantiate(node)(x)
    assert spikes.tolist() == [0, 0, 0, 1, 1, 1, 1]
    spikes.sum().backward()
    expected = [FORMULAS[name](node["alpha"], value) for value in x.tolist()]
    assert x.grad.tolist() == pytest.approx(expected, abs=1e-6)


def test_dspike_equals_its_authors_definition():
    """A clamped hyperbolic tangent, whose gradient autograd computes, also beyond the reach."""
    for alpha, reach in ((3.0, 3.0), (2.0, 0.5)):
        x = torch.linspace(-4, 4, 162, dtype=torch.float64, requires_grad=True)
        y = x.detach().clone().requires_grad_()
        spikes = Dspike(alpha, reach)(x)
        soft = torch.tanh(alpha * y.clamp(-reach, reach)) / (2 * math.tanh(alpha * reach)) + 0.5
        assert torch.equal(spikes, (y >= 0).double())
        spikes.sum().backward()
        soft.sum().backward()
        torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "name"), [(Dspike, "reach"), (DampedTriangle, "height"), (Dspike, "alpha"), (DampedTriangle, "alpha")]
)
def test_a_number_that_is_not_positive(kind, name):
    with pytest.raises(ValueError, match=f"^{kind.__name__}: {name} must be positive; got 0"):
        kind(**{name: 0})


def test_peaks_are_equal():
    """The transformer paper's three surrogates have the same slope at the threshold, so its Figure 12 is plausible."""
    for name in ("arctan", "sigmoid", "soft_sign"):
        x = torch.zeros(1, requires_grad=True)
        instantiate(yaml.safe_load((shipped("conf") / "surrogate" / f"{name}.yaml").read_text()))(x).backward()
        assert x.grad.item() == pytest.approx(1.0, abs=1e-6)

"""Under bf16-mixed a layer's input is bfloat16, but its potential is float32, and so spikes are those of float32."""

from contextlib import nullcontext

import pytest
import torch
from composing import composed

from snnx.neuron.kernel.find import definition_only
from snnx.neuron.klif import KLIF
from snnx.neuron.lif import LIF
from snnx.neuron.plif import PLIF
from snnx.neuron.ttfs import TTFS
from snnx.run.execute import execute

LAYERS = {
    "lif": lambda: LIF(tau=2.3),
    "plif": lambda: PLIF(tau=2.3, v_reset=None),
    "klif": lambda: KLIF(k=1.3, tau=2.3, scale_reset=True),
    "ttfs": lambda: TTFS(tau=2.3, decay_input=False),
}


@pytest.mark.parametrize(("way", "path"), [(nullcontext, "numba"), (definition_only, "definition")])
@pytest.mark.parametrize("layer", LAYERS)
def test_autocast_does_not_round_the_potential(layer, way, path):
    """The current comes from a matrix product, which autocast rounds; two chunks, so that the state is carried."""
    torch.manual_seed(0)
    x = torch.randn(40, 6, 16)
    fc, mixed, exact = torch.nn.Linear(16, 50), LAYERS[layer](), LAYERS[layer]()
    for piece in x.split(20):
        with torch.autocast("cpu", torch.bfloat16), way():
            current = fc(piece * 2)
            s = mixed(current)
        assert mixed.path == path
        assert (current.dtype, s.dtype) == (torch.bfloat16, torch.bfloat16)
        assert all(getattr(mixed, name).dtype == torch.float32 for name in mixed._memories)
        with definition_only():
            expected = exact(current.detach().float())
        assert torch.equal(s.float(), expected)
        assert 0 < expected.mean() < 1
        for name in mixed._memories:
            assert torch.equal(getattr(mixed, name), getattr(exact, name))


@pytest.mark.parametrize("layer", LAYERS)
def test_gradients_under_autocast(layer):
    """Kernel and definition give the same gradients for the same rounded current, each rounded once to bfloat16."""
    gradients = []
    for way in (nullcontext, definition_only):
        torch.manual_seed(1)
        x, node = (torch.randn(12, 4, 30).bfloat16() * 2).requires_grad_(), LAYERS[layer]()
        with torch.autocast("cpu", torch.bfloat16), way():
            node(x).float().square().sum().backward()
        gradients.append([x.grad.float(), *(p.grad for p in node.parameters())])
        assert gradients[-1][0].abs().sum() > 0
    torch.testing.assert_close(*gradients, rtol=2**-7, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize("network", [["neuron=plif"], ["neuron=ttfs", "backbone=vit"]], ids=["convnet", "vit"])
def test_an_epoch_of_mixed_precision(network, empty):
    """The two precisions give nearly the same loss, but not exactly."""
    losses = {}
    for precision in ("32-true", "bf16-mixed"):
        job = composed(
            *network, f"trainer.precision={precision}", "trainer.max_epochs=1", "budget.samples=0.2", "budget.width=0.5",
            "timesteps=4", "trainer.accelerator=cpu",
        )  # fmt: skip
        found = execute(job)
        assert found["error"] is None
        assert all(set(paths) == {"numba"} for paths in found["paths"].values())
        losses[precision] = found["metrics"]["train/loss"]
    assert losses["bf16-mixed"] != losses["32-true"]
    assert losses["bf16-mixed"] == pytest.approx(losses["32-true"], rel=0.05)

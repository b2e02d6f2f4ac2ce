"""The first loss of a run may differ from its record within a bound for each precision and device."""

from contextlib import nullcontext

import pytest
import torch
from composing import composed
from pretended_gpu import pretended_gpu
from torch.nn.functional import conv2d, linear
from torch.overrides import TorchFunctionMode

from snnx.run.bound import BOUNDS, MATMUL, OTHER_BOUND, bound, device_now
from snnx.run.replay import replay

CARD = "cuda (NVIDIA H100), 8 threads"
NETWORKS = [
    ["backbone=mlp", "neuron.v_threshold=0.1"],
    ["backbone=convnet", "neuron=plif"],
    ["backbone=spikformer", "backbone.embed_dim=32", "backbone.heads=2", "backbone.depth=1"],
]
SMALL = ["timesteps=2", "budget.samples=0.2"]


def config_of(precision="32-true", matmul="highest", accelerator="cpu"):
    return {"trainer": {"precision": precision, "accelerator": accelerator}, "matmul": matmul}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed", "64-true"])
def test_it_is_the_larger_one_of_two_devices(precision):
    cpu, cuda = (BOUNDS[device].get(precision, OTHER_BOUND) for device in ("cpu", "cuda"))
    assert cpu <= cuda
    for recorded_on, here, expected in (
        ("cpu (AMD EPYC), 2 threads", nullcontext, cpu),
        (CARD, nullcontext, cuda),
        ("cpu (AMD EPYC), 2 threads", pretended_gpu, cuda),
        (CARD, pretended_gpu, cuda),
    ):
        with here():
            assert bound(config_of(precision, accelerator="cpu" if here is nullcontext else "auto"), recorded_on) == expected
    assert bound(config_of(precision), "mps (M9), 4 threads") == OTHER_BOUND


def test_a_run_that_asks_for_the_cpu_is_computed_there():
    with pretended_gpu():
        assert device_now(config_of(accelerator="auto")) == "cuda"
        assert bound(config_of(accelerator="cpu")) == BOUNDS["cpu"]["32-true"]


@pytest.mark.parametrize(("matmul", "least"), [("highest", 1e-4), ("high", MATMUL["high"]), ("medium", MATMUL["medium"])])
def test_shorter_products_have_a_larger_bound(matmul, least):
    assert bound(config_of(matmul=matmul), CARD) == least
    assert bound(config_of("bf16-mixed", matmul=matmul), CARD) == 2e-2


def test_a_replay_allows_more_on_a_gpu():
    config = composed("backbone=mlp", *SMALL, "trainer.accelerator=cpu").config
    (loss,) = replay(config, [0.0]).now
    recorded = [loss * (1 + 5e-5)]
    assert not replay(config, [*recorded, loss]).agrees
    assert replay(config, recorded, recorded_on=CARD).agrees
    assert replay(config, recorded, recorded_on=CARD).tolerance == [1e-4 * recorded[0]]


class Rounded(TorchFunctionMode):
    """Rounds the operands of products and convolutions to this number of binary digits behind the first one, as a card does."""

    def __init__(self, digits: int) -> None:
        super().__init__()
        self.dropped = 23 - digits

    def round(self, x):
        if not isinstance(x, torch.Tensor) or x.dtype != torch.float32 or x.ndim < 2:
            return x
        bits = x.detach().contiguous().view(torch.int32)
        short = (bits + (1 << (self.dropped - 1))) >> self.dropped << self.dropped
        return x + (short.view(torch.float32).view(x.shape) - x).detach()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in (linear, conv2d, torch.matmul, torch.bmm) or getattr(func, "__name__", "") == "__matmul__":
            args = tuple(map(self.round, args))
        return func(*args, **(kwargs or {}))


def test_the_test_rounds_to_the_nearest_number():
    """TF32 and float16 have 10 digits behind the first one, and bfloat16 has 7."""
    x = torch.tensor([[1.0, 1 + 2**-10, 1 + 2**-11 + 2**-20, -1 - 2**-12]])
    assert Rounded(10).round(x).tolist() == [[1.0, 1 + 2**-10, 1 + 2**-10, -1.0]]


@pytest.mark.parametrize(("digits", "allowed"), [(10, MATMUL["high"]), (7, MATMUL["medium"])])
@pytest.mark.parametrize("words", NETWORKS, ids=["mlp", "convnet", "spikformer"])
def test_the_bounds_of_short_products_cover_their_rounding(words, digits, allowed):
    """For these networks, on a CPU that rounds what a card would round."""
    config = composed(*words, *SMALL, "trainer.accelerator=cpu").config
    (exact,) = replay(config, [0.0]).now
    with Rounded(digits):
        (rounded,) = replay(config, [0.0]).now
    assert 0 < abs(rounded - exact) <= allowed * exact


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
@pytest.mark.parametrize("more", [["trainer.precision=32-true"], ["trainer.precision=bf16-mixed"], ["matmul=high"]], ids=str)
@pytest.mark.parametrize("words", NETWORKS, ids=["mlp", "convnet", "spikformer"])
def test_a_gpu_gives_the_first_loss_of_the_cpu_within_the_bound(words, more):
    cpu, cuda = (
        composed(*words, *SMALL, *more, f"trainer.accelerator={accelerator}").config for accelerator in ("cpu", "cuda")
    )
    (expected,) = replay(cpu, [0.0]).now
    found = replay(cuda, [expected])
    assert found.agrees, found.told("the first loss")

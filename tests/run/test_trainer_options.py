"""Options of the training: gradients added up over batches, the layout of feature maps, the precision of products."""

import re

import pytest
import torch
from composing import composed
from hydra.errors import HydraException
from torch._dynamo.utils import counters

from snnx.compose.check import check
from snnx.compose.complaint import complaint
from snnx.run.build import build_data, build_method, build_trainer
from snnx.run.execute import execute
from snnx.run.retest import retest

WORDS = ("timesteps=2", "trainer.max_epochs=1", "budget.samples=0.3", "trainer.accelerator=cpu", "dataset.validation=0")


@pytest.mark.slow
def test_gradients_of_two_batches_are_added_up(tmp_path, monkeypatch):
    """Two batches of 67 make the same step as one of 134, as long as no norm sees the batches."""
    monkeypatch.chdir(tmp_path)
    words = (
        *WORDS,
        "neuron=relu",
        "norm=none",
        "optimizer=sgd",
        "optimizer.lr=0.5",
        "scheduler=constant",
        "budget.samples=0.089",
    )
    whole = execute(composed(*words, "dataset.batch_size=134"))
    assert whole["data"]["train"] == 134
    halves = execute(composed(*words, "dataset.batch_size=67", "trainer.accumulate_grad_batches=2"))
    assert halves["metrics"]["test/loss"] == pytest.approx(whole["metrics"]["test/loss"], rel=1e-5)
    plain = execute(composed(*words, "dataset.batch_size=67"))
    assert abs(plain["metrics"]["test/loss"] - whole["metrics"]["test/loss"]) > 1e-3


@pytest.mark.slow
def test_channels_last_changes_the_layout_and_nothing_else(tmp_path, monkeypatch):
    plain, last = composed(*WORDS), composed(*WORDS, "channels_last=true")
    assert (last.id, last.name) == (plain.id, plain.name)
    data = build_data(last.config)
    layouts = {}
    method = build_method(last.config, data)
    for name, layer in method.backbone.named_modules():
        layer.register_forward_hook(lambda module, inputs, out, name=name: layouts.update({name: out}))
    method(torch.rand(2, *data.sample_shape))
    maps = [out.flatten(0, 1) for out in layouts.values() if out.dim() == 5 and min(out.shape[2:]) > 1]
    assert len(maps) > 3
    assert all(out.is_contiguous(memory_format=torch.channels_last) for out in maps)
    results = []
    for place, job in (("plain", plain), ("last", last)):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        results.append(execute(job))
    assert results[1]["first_losses"] == pytest.approx(results[0]["first_losses"], rel=1e-3)


@pytest.mark.parametrize("precision", ["64-true", "bf16-true"])
def test_a_network_of_another_type_is_trained_on_the_definition_of_its_neurons(precision, tmp_path, monkeypatch):
    """The samples have the type of the network; a kernel reads bfloat16, and keeps states in float32 only."""
    monkeypatch.chdir(tmp_path)
    done = execute(composed(*WORDS, f"trainer.precision={precision}"))
    assert done["status"] == "done", done["error"]
    (path,) = done["paths"]["train"]
    wide = r"definition \(LIF: the state is float64, and kernels compute in float32\)"
    assert re.fullmatch({"64-true": wide, "bf16-true": "numba"}[precision], path)
    again = retest(tmp_path / "outputs" / "runs" / done["hash"], [])
    assert again["metrics"]["test/loss"] == done["metrics"]["test/loss"]


def test_the_precision_of_products_is_part_of_the_identity(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert composed(*WORDS, "matmul=high").id != composed(*WORDS).id == composed(*WORDS, "matmul=highest").id
    with pytest.raises(HydraException, match="Error merging override matmul=hgh") as error:
        composed(*WORDS, "matmul=hgh")
    assert complaint(error.value, ["matmul=hgh"]) == "matmul must be one of highest, high, medium; got hgh"
    try:
        assert execute(composed(*WORDS, "matmul=high"))["status"] == "done"
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("matmul", ["highest", "high", "medium"])
def test_products_and_convolutions_have_the_same_precision(matmul, tmp_path):
    """Torch itself allows TF32 in convolutions, also where products are computed with all bits."""
    try:
        build_trainer(composed(*WORDS, f"matmul={matmul}").config, "run", tmp_path, callbacks=[])
        assert torch.get_float32_matmul_precision() == matmul
        assert torch.backends.cuda.matmul.allow_tf32 == torch.backends.cudnn.allow_tf32 == (matmul != "highest")
    finally:
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = True


def test_compiling_is_part_of_the_identity():
    plain, compiled = composed(*WORDS), composed(*WORDS, "compile=default")
    assert plain.id == composed(*WORDS, "compile=null").id
    assert len({plain.id, compiled.id, composed(*WORDS, "compile=reduce-overhead").id}) == 3
    with pytest.raises(HydraException, match="Error merging override compile=fast") as error:
        composed(*WORDS, "compile=fast")
    assert complaint(error.value, ["compile=fast"]) == "compile must be one of default, reduce-overhead; got fast"


@pytest.mark.slow
def test_a_compiled_training_gives_the_same_losses(tmp_path, monkeypatch):
    """The first step of the epoch is not compiled, since its layers are watched until they fire; the others are."""
    results = []
    torch.compiler.reset()
    counters.clear()
    for place, words in (("plain", ()), ("compiled", ("compile=default",))):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        results.append(execute(composed(*WORDS, "backbone.channels=[4]", "dataset.batch_size=60", *words)))
    torch.compiler.reset()
    plain, compiled = results
    assert [result["status"] for result in results] == ["done", "done"]
    assert counters["stats"]["unique_graphs"] == 2  # of a whole batch, and of the last one, which is smaller
    assert compiled["curves"]["train/loss"] == pytest.approx(plain["curves"]["train/loss"], rel=1e-3)
    assert compiled["paths"] == plain["paths"]


@pytest.mark.parametrize("device", ["cuda", "gpu"])
def test_a_gpu_that_is_not_there_is_refused_before_the_run(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(
        ValueError, match=rf"^trainer\.accelerator must be cpu or auto on a machine on which torch finds no GPU; got {device}$"
    ):
        check(composed(f"trainer.accelerator={device}"))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("neuron.tau=", r"^neuron\.tau must be of type float; got '' "),
        ("optimizer.lr=1e-2x", r"^optimizer\.lr must .*; got 1e-2x "),
    ],
)
def test_a_value_of_the_wrong_type_is_shown(word, message):
    with pytest.raises(ValueError, match=message):
        check(composed(word))

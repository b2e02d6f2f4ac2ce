"""A loss that reads the outputs of every step gets them in training and evaluation, or is rejected before the training."""

import pytest
import torch
from composing import composed
from torch.nn import functional as F

from snnx.method.base import Method
from snnx.run.build import build_data, build_method


class Facts:
    shape, classes = (1, 8, 8), 10


def built(*words: str) -> Method:
    torch.manual_seed(0)
    return build_method(composed("loss=tet", "loss.lambda_mse=0.05", *words).config, Facts())


@pytest.mark.parametrize("decoding", ["mean_logits", "last_step", "spike_count"])
def test_it_gets_the_backbones_outputs_of_every_step(decoding):
    method, images, labels = built(f"decoding={decoding}", "timesteps=3"), torch.rand(5, 1, 8, 8), torch.arange(5)
    shown = []
    method.backbone.register_forward_hook(lambda module, given, outputs: shown.append(outputs))
    scores, loss = method.scores_and_loss(images, labels)
    (outputs,) = shown
    assert outputs.shape == (3, 5, 10)
    by_hand = 0.95 * sum(F.cross_entropy(y, labels) for y in outputs) / 3 + 0.05 * ((outputs - 1) ** 2).mean()
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-6)
    assert torch.equal(scores, method(images)), "accuracy must come from the decoded scores, whatever the loss reads"


def test_other_losses_read_the_decoded_scores():
    method, images, labels = build_method(composed().config, Facts()), torch.rand(5, 1, 8, 8), torch.arange(5)
    scores, loss = method.scores_and_loss(images, labels)
    assert scores.shape == (5, 10)
    assert loss.item() == F.cross_entropy(scores, labels).item()


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_it_trains_validates_and_tests():
    import pytorch_lightning as pl

    config = composed("loss=tet", "timesteps=2", "metric=[firing_rate,weight_gradient]").config
    data = build_data({**config, "budget": {"samples": 0.1}})
    method = build_method(config, data)
    trainer = pl.Trainer(max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu",
                         num_sanity_val_steps=0, log_every_n_steps=1, enable_model_summary=False)  # fmt: skip
    trainer.fit(method, datamodule=data)
    seen = {key: float(value) for key, value in trainer.callback_metrics.items()}
    (tested,) = trainer.test(method, datamodule=data, verbose=False)
    assert {"train/loss", "val/loss"} <= set(seen)
    assert tested["test/loss"] > 0


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["method=conversion"], "Conversion"),
        (["method=ttfs", "backbone=scnn", "backbone.bias=false", "backbone.pool=max", "dataset=mnist"], "TTFS"),
    ],
)
def test_a_method_without_time_steps_rejects_it(words, name):
    job = composed("loss=tet", *words)
    message = f"^{name}: loss must read the decoded scores, since .*; got TET, .*; choose loss=cross_entropy or"
    with pytest.raises(ValueError, match=message):
        build_method(job.config, type("Facts", (), {"shape": (1, 28, 28), "classes": 10}))

"""Every recipe trains through all its stages and is tested, on a few random images of the size that its data set has."""

import pytest
import pytorch_lightning as pl
import torch
from composing import composed
from torch.utils.data import DataLoader, TensorDataset

from snnx.encoding.events import Events
from snnx.options.folders import shipped
from snnx.run.build import build_data, build_method
from snnx.testing.random_images import evaluate, train

RECIPES = sorted(path.stem for path in shipped("conf").glob("recipe/*.yaml"))


class RandomSamples(pl.LightningDataModule):
    """Four random samples of the shape that a network of the recipe gets, in batches of two."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        images = torch.rand(4, *shape, generator=torch.Generator().manual_seed(0))
        self.samples = TensorDataset(images, torch.arange(4) % classes)

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.samples, batch_size=2)

    val_dataloader = test_dataloader = train_dataloader


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains(name):
    config = composed(f"recipe={name}", "budget.width=0.25").config
    data = build_data(config)
    torch.manual_seed(0)
    method = build_method(config, data)
    steps = (config["timesteps"],) if isinstance(getattr(method, "encoding", None), Events) else ()
    samples = RandomSamples((*steps, *data.shape), data.classes)
    before = {key: value.detach().clone() for key, value in method.named_parameters()}
    trainer = train(method, samples)
    assert trainer.current_epoch == method.least_epochs
    assert all(value.isfinite().all() for value in method.parameters())
    weights = [key for key, value in before.items() if value.ndim > 1]
    learnt = [key for key in weights if not torch.equal(method.get_parameter(key), before[key])]
    # Not all of them, because the last layers of some published networks do not fire at this width on random images.
    assert len(learnt) >= len(weights) / 2, sorted(set(weights) - set(learnt))
    assert 0 <= evaluate(trainer, method, samples)["test/acc"] <= 1

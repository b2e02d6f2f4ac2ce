"""The contract of the group: every option of conf/augmentation passes these tests."""

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from snnx.options.folders import shipped

OPTIONS = sorted(path.stem for path in (shipped("conf") / "augmentation").glob("*.yaml"))


@pytest.fixture(params=OPTIONS)
def augmentation(request):
    return instantiate(OmegaConf.load(shipped("conf") / "augmentation" / f"{request.param}.yaml"))


def test_shape_dtype_range_and_labels_stay_the_same(augmentation):
    images, labels = torch.rand(6, 3, 12, 10), torch.arange(6)
    out, same = augmentation(images.clone(), labels)
    assert (out.shape, out.dtype) == (images.shape, images.dtype)
    assert out.min() >= 0
    assert out.max() <= 1
    assert torch.equal(same, torch.arange(6))


def test_the_same_seed_gives_the_same_images(augmentation):
    images, labels = torch.rand(6, 3, 12, 10), torch.arange(6)
    torch.manual_seed(5)
    first = augmentation(images, labels)[0]
    torch.manual_seed(5)
    assert torch.equal(augmentation(images, labels)[0], first)

"""Golden: scikit-learn's digits, as bytes."""

import torch
from omegaconf import OmegaConf
from sklearn.datasets import load_digits

from snnx.dataset.digits import Digits
from snnx.options.folders import shipped
from snnx.run.component import component


def build():
    none = {"_target_": "snnx.augmentation.none.none", "_partial_": True}
    dataset = OmegaConf.load(shipped("conf") / "dataset" / "digits.yaml")
    config = OmegaConf.create({"seed": 0, "augmentation": none, "dataset": dataset})
    return component(OmegaConf.to_container(config, resolve=True), "dataset")


def test_the_option_builds_digits():
    assert type(build()) is Digits


def test_bytes_hold_every_value_and_the_cut_is_at_1500():
    parts = build().read()
    assert [len(parts[name][1]) for name in ("train", "test")] == list(Digits.counts)
    images = torch.cat([parts["train"][0], parts["test"][0]])
    labels = torch.cat([parts["train"][1], parts["test"][1]])
    original = load_digits()
    assert torch.equal((images.squeeze(1).double() * 16 / 255).round(), torch.from_numpy(original.images))
    assert labels.tolist() == original.target.tolist()
    assert images.max() == 255


def test_the_test_set_is_nearly_balanced():
    assert build().read()["test"][1].bincount().tolist() == [27, 31, 27, 30, 33, 30, 30, 30, 28, 31]

"""Weights from files: torchvision's, our own checkpoints', and files that do not fit."""

import pytest
import torch
import torchvision
from composing import composed
from torch import nn

from snnx.backbone.resnet import ResNet
from snnx.compose.check import check
from snnx.run.build import build_method


def resnet(path, *, neuron=nn.ReLU, depth=18, classes=7):
    return ResNet(
        neuron=neuron, in_shape=(3, 32, 32), classes=classes, depth=depth, stem="imagenet", stem_pool="max", weights=str(path)
    )


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    return torchvision.models.resnet18(num_classes=7).eval()


def test_torchvisions_weights_give_torchvisions_scores(theirs, tmp_path):
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(resnet(tmp_path / "theirs.pth").eval()(x[None])[0], theirs(x), rtol=1e-4, atol=1e-4)


def test_a_checkpoint_is_taken_apart(theirs, tmp_path):
    state = {f"backbone.{key}": value for key, value in theirs.state_dict().items()}
    torch.save({"state_dict": {**state, "loss.weight": torch.ones(1)}, "epoch": 3}, tmp_path / "last.ckpt")
    assert torch.equal(resnet(tmp_path / "last.ckpt").fc.weight, theirs.fc.weight)


def test_on_the_meta_device_names_are_compared_and_nothing_is_loaded(theirs, tmp_path):
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    with torch.device("meta"):
        assert resnet(tmp_path / "theirs.pth").fc.weight.is_meta
        with pytest.raises(ValueError, match=r"fc.weight must be of size"):
            resnet(tmp_path / "theirs.pth", classes=9)


class Runs:
    def __reduce__(self):
        return (print, ("code of the file ran",))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda s: s, {"depth": 34}, "backbone.weights: layer1.2.conv1.weight must be in the file; .*another architecture"),
        (lambda s: s, {"classes": 9}, r"backbone.weights: fc.weight must be of size \[9, 512\]; got \[7, 512\] in "),
        (
            lambda s: {**s, "head": torch.ones(1)},
            {},
            "backbone.weights: head must have a place in the network; got .*odd.pth with it",
        ),
        (lambda s: [1, 2], {}, "backbone.weights: must be a state dict, a name to a tensor; got list in "),
        (
            lambda s: {"state_dict": s},
            {},
            "backbone.weights: a state_dict within a checkpoint must be of snnx, whose keys begin with backbone.; got another",
        ),
        (lambda s: {"a": Runs()}, {}, "backbone.weights: must be a file of tensors only, as torch.save writes it; got "),
    ],
)
def test_files_that_do_not_fit(theirs, tmp_path, capsys, change, options, message):
    torch.save(change(theirs.state_dict()), tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=message) as caught:
        resnet(tmp_path / "odd.pth", **options)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"no tensors", b"", bytes(range(256)), b"PK\x03\x04 half a zip"])
def test_files_that_are_none_of_torchs(tmp_path, content):
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"must be a file of tensors only, .*got .*odd.pth, which is none, damaged, or"):
        resnet(tmp_path / "odd.pth")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must be a file of weights; got .*, which is no file"):
        resnet(tmp_path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"backbone.weights: must be a file of weights; got .*/none.pth"):
        resnet(tmp_path / "none.pth")


def test_weights_of_a_file_are_not_drawn_over(theirs, tmp_path):
    class Facts:
        shape, classes = (3, 32, 32), 7

    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    net = ["backbone=resnet", "backbone.stem=imagenet", "backbone.stem_pool=max", f"backbone.weights='{tmp_path}/theirs.pth'"]
    config = composed(*net).config
    assert torch.equal(build_method(config, Facts()).backbone.conv1.weight, theirs.conv1.weight)
    of_a_recipe = composed(*net).config | {"init": composed("init=kaiming").config["init"]}
    assert torch.equal(build_method(of_a_recipe, Facts()).backbone.conv1.weight, theirs.conv1.weight)
    with pytest.raises(ValueError, match=r"init must not be set with backbone.weights, which loads the weights; got init="):
        check(composed(*net, "init=kaiming"))

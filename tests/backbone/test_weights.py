"""Weights from files: torchvision's, checkpoints of snnx, and files that do not fit the network."""

import json
import sys

import pytest
import torch
import torchvision
from composing import composed
from doubling import FORMS, PICKLES
from torch import nn

from snnx.backbone.resnet import ResNet
from snnx.backbone.weights import load_weights
from snnx.compose.check import check
from snnx.run import exported
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


def test_a_checkpoint_gives_the_weights_of_its_backbone(theirs, tmp_path):
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
            "backbone.weights: head must be in the network; got .*odd.pth with it",
        ),
        (lambda s: [1, 2], {}, "backbone.weights: must be a state dict, which maps names to tensors; got list in "),
        (
            lambda s: {"state_dict": s},
            {},
            "backbone.weights: the state_dict of a checkpoint must have keys that begin with backbone., .*; got none in",
        ),
        (
            lambda s: {"net": s, "optimizer": {"state": {}, "param_groups": []}, "epoch": 3},
            {},
            r"backbone.weights: must be a state dict, .*; got .*odd.pth, a checkpoint with a state dict under net: save it al",
        ),
        (
            lambda s: {"model": s, "model_ema": s},
            {},
            "a checkpoint with a state dict under model and model_ema: save it alone",
        ),
        (
            lambda s: {f"module.{key}": value for key, value in s.items()},
            {},
            r"names must be those of the network; got .*odd.pth, in which all begin with module., .*: save model.module.state_",
        ),
        (
            lambda s: {f"_orig_mod.{key}": value for key, value in s.items()},
            {},
            r"in which all begin with _orig_mod., as of a wrapped model: save model._orig_mod.state_dict\(\)",
        ),
        (
            lambda s: {**s, "conv1.weight": s["conv1.weight"] * float("nan")},
            {},
            "backbone.weights: conv1.weight must be finite; got NaN or infinity in .*odd.pth: did its training diverge",
        ),
        (lambda s: {"a": Runs()}, {}, "backbone.weights: must be a file of tensors only, as torch.save writes it; got "),
    ],
)
def test_a_file_that_does_not_fit_is_rejected(theirs, tmp_path, capsys, change, options, message):
    torch.save(change(theirs.state_dict()), tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=message) as caught:
        resnet(tmp_path / "odd.pth", **options)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"no tensors", b"", bytes(range(256)), b"PK\x03\x04 half a zip"])
def test_a_file_of_another_kind_is_rejected(tmp_path, content):
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"must be a file of tensors only, .*got .*odd.pth, which is another kind of file, is"):
        resnet(tmp_path / "odd.pth")


def test_a_damaged_safetensors_file_is_rejected(tmp_path):
    pytest.importorskip("safetensors")
    (tmp_path / "odd.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"^backbone.weights: must be a file of weights; got .*, which is damaged: "):
        resnet(tmp_path / "odd.safetensors")


def test_a_safetensors_file_with_a_huge_header_is_not_parsed(tmp_path):
    pytest.importorskip("safetensors")
    header = json.dumps({"__metadata__": {"snnx": json.dumps({"further": ["x" * 10_000_000]})}}).encode()
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    message = r"w\.safetensors must have a header of at most 10,000,000 bytes; got 10,000,\d+"
    with pytest.raises(ValueError, match=f"^backbone.weights: .*{message}"):
        resnet(tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=message):
        exported.read(tmp_path / "w.safetensors")


def test_safetensors_must_be_installed(tmp_path, monkeypatch):
    (tmp_path / "odd.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "safetensors", None)  # an import of it then fails
    with pytest.raises(ValueError, match=r"^backbone.weights: safetensors must be installed to read .*; got none; pip install"):
        resnet(tmp_path / "odd.safetensors")


def test_a_folder_is_rejected(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must be a file of weights; got .*, which is not a file"):
        resnet(tmp_path)


def test_a_missing_file_is_rejected(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"backbone.weights: must be a file of weights; got .*, which does not exist"):
        resnet(tmp_path / "none.pth")


def test_init_does_not_replace_weights_from_a_file(theirs, tmp_path):
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


@pytest.mark.parametrize("kept", [100, 300, 500, -1, -30])
def test_a_file_that_is_cut_short_is_named(tmp_path, kept):
    path = tmp_path / "w.pt"
    torch.save(nn.Linear(3, 4).state_dict(), path)
    content = path.read_bytes()
    path.write_bytes(content[:kept] + (content[-22:] if kept > 0 else b""))
    with pytest.raises(ValueError, match=r"^backbone\.weights: must be a file of tensors only, .* is damaged"):
        load_weights(nn.Linear(3, 4), str(path), name="backbone.weights")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", PICKLES)
def test_a_file_whose_values_double_is_rejected(tmp_path, name, form):
    path = tmp_path / "w.pt"
    path.write_bytes(form(PICKLES[name]))
    refused = r"^method\.checkpoint: (.*w\.pt must contain (tuples of )?at most 10,|must be a file of tensors only)"
    with pytest.raises(ValueError, match=refused):
        load_weights(nn.Linear(3, 4), str(path), name="method.checkpoint")


def test_weights_from_before_torch_1_6_are_read(tmp_path):
    theirs, ours = nn.Linear(3, 4), nn.Linear(3, 4)
    torch.save(theirs.state_dict(), tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    load_weights(ours, str(tmp_path / "w.pt"), name="backbone.weights")
    assert torch.equal(ours.weight, theirs.weight)


@pytest.mark.parametrize("key", [1, (1, 2)])
def test_names_must_be_texts(tmp_path, key):
    torch.save({"state_dict": {key: torch.ones(1)}}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"the state_dict of a checkpoint must have keys that begin with backbone\."):
        load_weights(nn.Linear(1, 1), str(tmp_path / "w.pt"), name="backbone.weights")
    torch.save({key: torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"must be a state dict, which maps names to tensors; got dict in"):
        load_weights(nn.Linear(1, 1), str(tmp_path / "w.pt"), name="backbone.weights")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("value", [torch.ones(1, 1).to_sparse(), torch.ones(1, 1, device="meta")], ids=["sparse", "meta"])
def test_a_tensor_of_another_kind_is_rejected(tmp_path, value):
    torch.save({"weight": value, "bias": torch.ones(1)}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"weight must be a dense tensor of floats; got another kind in .*w\.pt"):
        load_weights(nn.Linear(1, 1), str(tmp_path / "w.pt"), name="backbone.weights")


@pytest.mark.parametrize("header", ["no JSON", "[" * 100_000, "[1]", '{"further": 1}', '{"further": [[1]]}'])
def test_a_safetensors_file_with_another_header_is_rejected_or_read(tmp_path, header):
    save = pytest.importorskip("safetensors.torch").save_file
    save(nn.Linear(3, 4).state_dict(), tmp_path / "w.safetensors", {"snnx": header})
    if header == '{"further": [[1]]}':  # names of tensors that the file lacks
        return load_weights(nn.Linear(3, 4), str(tmp_path / "w.safetensors"), name="backbone.weights")
    with pytest.raises(ValueError, match=r"^backbone\.weights: must be a file of weights; got .*, which is damaged: "):
        load_weights(nn.Linear(3, 4), str(tmp_path / "w.safetensors"), name="backbone.weights")

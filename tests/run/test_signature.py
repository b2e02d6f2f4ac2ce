"""Arguments of components are checked before anything is built."""

import pytest
from composing import composed

from snnx.run.signature import check_signature


@pytest.mark.parametrize(
    ("group", "target", "message"),
    [
        (
            "norm",
            "torch.nn.BatchNorm2d",
            "^norm: BatchNorm2d must take v_threshold and meets_sum, with which the norm is built; it takes ",
        ),
        (
            "backbone",
            "torch.nn.Linear",
            "^backbone: Linear must take neuron and in_shape and classes and width, with which the ",
        ),
    ],
)
def test_a_component_takes_what_is_added_when_it_is_built(group, target, message):
    with pytest.raises(ValueError, match=message):
        check_signature(group, {"_target_": target, "_partial_": True})


@pytest.mark.parametrize("key", ["_recursive_", "_convert_", "_args_"])
def test_a_node_has_none_of_hydra_s_other_keys(key):
    with pytest.raises(ValueError, match=f"^loss must have none of Hydra's other keys than _target_ and _partial_; got {key}$"):
        check_signature("loss", {"_target_": "torch.nn.CrossEntropyLoss", key: []})


def test_a_misspelled_argument_is_answered_by_one_that_the_option_sets():
    """`min_epochs` is as near to `epochs` as `max_epochs`, but the option sets the latter."""
    trainer = {"_target_": "pytorch_lightning.Trainer", "_partial_": True, "max_epochs": 10, "epochs": 5}
    with pytest.raises(ValueError, match=r"^trainer: Trainer has no argument epochs; did you mean max_epochs\?$"):
        check_signature("trainer", trainer)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (
            {"_target_": "snnx.backbone.vgg.VGG", "_partial_": True, "hidden": [512, "D"]},
            r"backbone\.hidden must be of type list\[int\]; got \[512, 'D'\]",
        ),
        (
            {"_target_": "snnx.backbone.mlp.MLP", "_partial_": True, "hidden": [[8]]},
            r"backbone\.hidden must be of type list\[int\]; got \[\[8\]\]",
        ),
    ],
)
def test_each_value_of_a_list_has_the_type(node, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        check_signature("backbone", node)


@pytest.mark.parametrize("recipe", ["tdbn_cifar10", "tet_cifar10", "dtsnn_cifar10"])
def test_a_recipe_with_another_network_leaves_its_depth_alone(recipe):
    assert composed(f"recipe={recipe}").config["backbone"]["depth"] == 19
    assert composed(f"recipe={recipe}", "backbone=vgg").config["backbone"]["depth"] == 11

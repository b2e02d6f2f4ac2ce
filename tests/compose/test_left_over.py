"""Choosing another option drops what a recipe or sweep had set for the old one."""

import pytest
from composing import composed

from snnx.compose.check import check


@pytest.mark.parametrize(
    ("words", "group", "config"),
    [
        (["init=torch_default"], "init", {"_target_": "snnx.init.torch_default.TorchDefault"}),
        (
            ["init=kaiming"],
            "init",
            {"_target_": "snnx.init.kaiming.Kaiming", "distribution": "normal", "gain": 1.0, "conv_gain": 1.0},
        ),
        (["optimizer=adamw"], "optimizer", {"lr": 0.001}),
        (["scheduler=cosine"], "scheduler", {"warmup": 0.0, "start": 0.0, "end": 0.0}),
        (["scheduler=milestones", "scheduler.gamma=0.1"], "scheduler", {"at": [0.1667, 0.5, 0.8], "gamma": 0.1}),
    ],
)
def test_a_recipe_s_settings_follow_its_option(words, group, config):
    job = composed("recipe=dta_mnist", *words)
    found = job.config[group]
    assert {key: found[key] for key in config} == config
    if "_target_" in config or group == "scheduler":
        assert set(found) <= {*config, "_target_", "_partial_"}
    check(job)


@pytest.mark.parametrize("metric", ["[firing_rate]", "[anytime]", "[firing_rate,anytime]"])
def test_settings_of_one_of_several_options_follow_it(metric):
    """recipe=fut_cifar10 chooses metric=[anytime] and sets metric.anytime.every."""
    job = composed("recipe=fut_cifar10", f"metric={metric}")
    assert sorted(job.config["metric"]) == sorted(metric.strip("[]").split(","))
    assert all("_target_" in node for node in job.config["metric"].values())
    assert job.config["metric"].get("anytime", {"every": 10})["every"] == 10
    check(job)


def test_a_key_that_the_user_gives_is_never_dropped():
    job = composed("recipe=dta_mnist", "init=torch_default", "init.distribution=normal")
    assert job.config["init"]["distribution"] == "normal"
    with pytest.raises(ValueError, match="TorchDefault has no argument distribution"):
        check(job)

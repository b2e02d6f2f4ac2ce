"""Words are read as they were meant: in any order, with any character, and with groups that are switched off."""

import pytest
from composing import composed

from snnx.compose.words import completed
from snnx.options.files import files, groups

PLACES = ["~/data", "/my/数据", "/my/o'brien", "/my/a#b", "/my/a&b", "/my/data (copy)", "/my/a:b", r"C:\data\new"]


@pytest.mark.parametrize("place", PLACES)
def test_a_path_needs_no_quotes(place):
    assert composed("dataset=cifar10", f"dataset.root={place}").config["dataset"]["root"] == place


def test_values_that_hydra_reads_are_left_alone():
    words = [
        "neuron.tau=3",
        "metric=[a,b]",
        "optimizer.lr=1e-3,1e-4",
        "a='~'",
        'b="~ ,="',
        "+trainer.c={d:1}",
        "~e",
        "f=null",
        "g=",
    ]
    assert completed(words) == words


@pytest.mark.parametrize("group", [group for group in groups() if "/" not in group])
def test_a_group_is_switched_off_by_null(group):
    """`GROUP=null` composes for every group. Whether a run works without the group is tested elsewhere."""
    config = composed(f"{group}=null").config
    assert not config.get(group)


@pytest.mark.parametrize(("recipe", "group"), [("ettfs_mnist", "init"), ("ds2ta_cifar10", "attention")])
def test_null_also_switches_off_what_a_recipe_chooses(recipe, group):
    assert composed(f"recipe={recipe}").config[group]
    job = composed(f"recipe={recipe}", f"{group}=null")
    assert not job.config[group]
    assert "~" not in job.name


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["scale=smoke", "-m", "seed=0,1"], ["-m", "scale=smoke", "seed=0,1"]),
        (["seed=0", "--cfg", "job", "neuron=if", "-r"], ["--cfg", "job", "--resolve", "seed=0", "neuron=if"]),
        (["seed=0,1", "-m"], ["-m", "seed=0,1"]),
        (["-m", "seed=0,1"], ["-m", "seed=0,1"]),
        ([], []),
        (["-sc", "query=bash"], ["-sc", "query=bash"]),
    ],
)
def test_options_may_stand_anywhere(words, expected):
    assert completed(words) == expected


def test_every_option_of_a_group_of_several_is_an_entry():
    """So that `takes_several` can tell these groups by their files."""
    for group in ("metric", "attention", "logger"):
        assert files(group)
        assert all("\n_target_" not in f"\n{path.read_text(encoding='utf-8')}" for path in files(group).values())

"""A configuration whose values refer to one another again and again is refused before it is written out."""

import re
from itertools import pairwise

import pytest
from composing import composed, composed_together
from own_folder import refusal, write

from snnx.compose.complaint import COMPLAINTS, complaint

DEPTH = 40
FORMS = {
    "text": ("x", "'${{{0}}}${{{0}}}'"),
    "list": ("[1]", "['${{{0}}}', '${{{0}}}']"),
    "mapping": ("{{a: 1}}", "{{a: '${{{0}}}', b: '${{{0}}}'}}"),
    "resolver": ("x", "'${{oc.select:{0}}}${{oc.select:{0}}}'"),
    "long text": ("x" * 100_000, "'" + "${{{0}}}" * 1_000 + "'"),
    "long list": ("[" + "1, " * 1_000 + "]", "[" + "'${{{0}}}', " * 1_000 + "]"),
}
RULE = r"a configuration must have at most (2,000 references|100,000 values|10,000,000 characters), with every reference"


def recipe(folder, form, *lines):
    """Write a recipe in which `optimizer.x39` stands for 2**39 of `optimizer.x0`."""
    first, more = FORMS[form]
    steps = range(1, 3 if "long" in form else DEPTH)
    doubled = [f"  x{n}: {more.format(f'optimizer.x{n - 1}')}" for n in steps]
    written = ["# @package _global_", *lines, "optimizer:", f"  x0: {first.format()}", *doubled, ""]
    write(folder, "conf/recipe/evil.yaml", "\n".join(written))


@pytest.mark.parametrize("form", FORMS)
def test_a_recipe_is_not_written_out(empty, form):
    recipe(empty, form)
    with pytest.raises(COMPLAINTS) as caught:
        composed("recipe=evil")
    said = complaint(caught.value, ["recipe=evil"])
    assert re.search(RULE, said)
    assert said.endswith(" such as ${timesteps} written out")


def test_the_seed_is_not_written_out(empty):
    """Hydra and snnx read it before the rest."""
    recipe(empty, "text", "seed: ${optimizer.x39}")
    with pytest.raises(COMPLAINTS, match=RULE):
        composed("recipe=evil")


def test_a_row_is_not_written_out(empty):
    keys = ["optimizer.lr", "optimizer.weight_decay", "surrogate.alpha", "neuron.tau"]
    words = [f"{key}={f'${{{before}}}' * 20}" for before, key in pairwise(keys)]
    rows = "\n".join(f"    - '{word}'" for word in words)
    sweep = f"# A figure.\nsweep: {{paper: own, artifact: T, metric: test/acc}}\nrows:\n  A:\n   set:\n{rows}\n"
    write(empty, "sweeps/evil.yaml", sweep)
    with pytest.raises(COMPLAINTS, match=RULE):
        composed_together(["sweep=evil"], [["row=A"]])


def test_the_command_says_it_in_one_line(tmp_path):
    recipe(tmp_path, "text")
    assert re.search(rf"^snnx: optimizer\.x\d+: {RULE}", refusal(tmp_path, "recipe=evil"))


def test_ordinary_references_are_resolved_any_number_of_times():
    runs = composed_together(["dataset=nmnist", "encoding=events"], [[f"seed={seed}", "timesteps=4"] for seed in range(3)])
    assert [(run.config["dataset"]["timesteps"], run.config["dataset"]["seed"]) for run in runs] == [(4, n) for n in range(3)]

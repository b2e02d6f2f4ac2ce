"""Differences between the rows of an ablation that its factor does not explain, in the configuration and in the network."""

import json
import re
from dataclasses import replace

import pytest
import torch
from composing import composed
from finished import result_of

from snnx.compose.check import check
from snnx.options.differences import confounds as found_confounds
from snnx.record.write import write
from snnx.run.build import build_data, build_method
from snnx.run.built import built
from snnx.sweep.compared import warnings


def row(*overrides: str) -> tuple[dict, dict]:
    """A run's configuration, and the description of its network, built with seed 0 and run once."""
    job = composed("timesteps=2", *overrides)
    torch.manual_seed(0)
    method = build_method(job.config, build_data(job.config))
    method(torch.rand(2, 1, 8, 8))
    return job.config, built(method.backbone)


def confounds(factors: str | list[str], rows: dict[str, tuple[dict, dict]]) -> list[str]:
    """The confounds as lines, as the plan, the sweep and the report print them."""
    configs, networks = ({label: pair[part] for label, pair in rows.items()} for part in (0, 1))
    return [str(one) for one in found_confounds([factors] if isinstance(factors, str) else factors, configs, networks)]


def test_a_clean_ablation_has_no_confounds():
    rows = {name: row(f"neuron={name}") for name in ("if", "lif", "plif", "klif")}
    assert confounds("neuron", rows) == []
    assert confounds("surrogate", {name: row(f"surrogate={name}") for name in ("arctan", "sigmoid", "triangle")}) == []
    pools = {pool: row("backbone=scnn", "backbone.channels=[4]", f"backbone.pool={pool}") for pool in ("avg", "max")}
    assert confounds("backbone.pool", pools) == []
    assert confounds("init", {"a": row("init=ettfs"), "b": row("init=kaiming")}) == []


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("neuron.v_threshold=0.5", r"v_threshold: 1\.0 → 0\.5 \(stages\.sn1, and 1 more\)"),
        ("neuron.v_reset=null", r"v_reset: 0\.0 → soft"),
        ("neuron.v_reset=-1", r"v_reset: 0\.0 → -1\.0"),
        ("neuron.detach_reset=false", r"detach_reset: True → False"),
        ("neuron.tau=4", r"tau: 2\.0 → 4\.0"),
        ("optimizer.lr=0.5", r"optimizer\.lr: .* → 0\.5"),
        ("timesteps=3", r"timesteps: 2 → 3"),
        ("seed=1", r"seed: 0 → 1"),
        ("backbone.channels=[8,32]", r"backbone\.channels: .* → \[8, 32\]"),
    ],
)
def test_each_other_difference_is_listed(override, line):
    base = row("neuron=lif", "neuron.tau=2", "neuron.detach_reset=true")
    other = row("neuron=plif", "neuron.tau=2", "neuron.detach_reset=true", override)
    found = confounds("neuron", {"LIF": base, "PLIF": other})
    assert len(found) == 1, "what follows from a setting that is named, such as the number of parameters, is not named too"
    assert re.search(line, found[0]), found
    assert all(text.startswith("PLIF compared to LIF: ") for text in found)


def test_a_setting_that_others_refer_to_is_listed_once():
    found = confounds("neuron", {"A": row("neuron=lif"), "B": row("neuron=lif", "timesteps=3")})
    assert [line for line in found if "timesteps" in line] == ["B compared to A: timesteps: 2 → 3"]


def test_with_several_factors_all_of_them_may_differ():
    both = {"A": row("neuron=lif", "surrogate=arctan"), "B": row("neuron=plif", "surrogate=sigmoid")}
    assert confounds(["neuron", "surrogate"], both) == []
    assert any("surrogate" in line for line in confounds("neuron", both))


def test_a_neuron_without_a_kernel_can_be_compared():
    """A neuron's definition computes the same as a kernel would, so running without one is not a confound."""
    first, second = row("neuron=lif"), row("neuron=klif")
    slow = dict.fromkeys(second[1]["implementation"], "definition")
    assert confounds("neuron", {"LIF": first, "Own": (second[0], second[1] | {"implementation": slow})}) == []
    assert any(
        "implementation" in line
        for line in confounds("optimizer", {"A": first, "B": (first[0], first[1] | {"implementation": slow})})
    )


def test_other_layers_are_listed():
    a, b = row("backbone=scnn", "backbone.channels=[4]"), row("backbone=mlp")
    assert confounds("timesteps", {"A": a, "B": b})[0].startswith("B compared to A: backbone._target_: ")
    built_alike = confounds("timesteps", {"A": a, "B": (a[0], b[1])})  # as if no setting told them apart
    assert any("with another order or other names" in line for line in built_alike)


def test_different_initial_weights_are_listed():
    """The weights of the encoding are drawn first and shift the random numbers for all other layers."""
    one_channel = row("encoding=conv_direct", "encoding.channels=1")
    repeat = row("encoding=repeat")
    found = confounds("timesteps", {"Repeat": repeat, "Conv": (repeat[0], one_channel[1])})
    assert " initial weights" in [text.split(":")[1] for text in found]


def test_an_encoding_decides_the_channels_of_the_first_layer():
    """So a comparison of encodings may have networks of different sizes; everything else must still be the same."""
    rows = {"Repeat": row("encoding=repeat"), "Gaussian": row("encoding=gaussian"), "Conv": row("encoding=conv_direct")}
    assert confounds("encoding", rows) == []
    rows["Wide"] = row("encoding=repeat", "backbone.channels=[8,32]")
    assert [line.split(":")[1] for line in confounds("encoding", rows)] == [" backbone.channels"]


def test_a_sweep_names_the_settings_in_which_its_rows_differ_without_need():
    ablation = {"factor": "neuron"}
    jobs = [composed("neuron=if"), composed("neuron=lif", "optimizer.lr=0.5"), composed("neuron=if", "seed=1")]
    jobs = [replace(job, row=row, config={**job.config, "sweep": ablation}) for row, job in zip("ABA", jobs, strict=True)]
    (line,) = map(str, warnings(jobs, {}))
    assert re.fullmatch(r"B compared to A: optimizer\.lr: .* → 0\.5", line)
    assert warnings(jobs[:1], {}) == warnings([], {}) == []
    assert warnings([replace(job, config={**job.config, "sweep": None}) for job in jobs], {}) == []


def test_a_sweep_names_the_layers_in_which_its_rows_differ_before_it_trains(tmp_path):
    """The network of the first row is that of a finished run, whose result describes it; that of the second is only checked."""
    jobs = [composed("neuron=lif"), composed("neuron=lif", "neuron.v_reset=null")]
    jobs = [
        replace(job, row=label, group=label, outputs=str(tmp_path), config={**job.config, "sweep": {"factor": "neuron"}})
        for label, job in zip("AB", jobs, strict=True)
    ]
    write(jobs[0].folder / "result.json", json.dumps(result_of(jobs[0], built=row("neuron=lif")[1])))
    networks = {"B": check(jobs[1])}
    assert [str(one) for one in warnings(jobs, networks)] == ["B compared to A: v_reset: 0.0 → soft (stages.sn1, and 1 more)"]


@pytest.mark.parametrize("neuron", ["lif", "plif", "glif", "psn"])
def test_a_network_without_weights_is_described_as_one_with_weights_is(neuron):
    """Only the values of its parameters and the implementation of its neurons are not known."""
    with_weights, without = row(f"neuron={neuron}")[1], check(composed("timesteps=2", f"neuron={neuron}"))
    assert list(without) == list(with_weights)
    assert set(without["initial weights"].values()) == {None}
    for aspect, layers in without.items():
        known = {name: value for name, value in layers.items() if value is not None}
        assert known == {name: with_weights[aspect][name] for name in known}


def test_any_type_of_weight_can_be_described():
    """Also bfloat16, which NumPy does not have, and weights that have no shape before a forward pass."""
    network = torch.nn.Sequential(torch.nn.Linear(2, 3).bfloat16(), torch.nn.LazyLinear(4))
    found = built(network)
    assert found["layers"] == {"0": "Linear [3, 2]", "1": "LazyLinear"}
    assert list(found["initial weights"]) == ["0.weight", "0.bias"]

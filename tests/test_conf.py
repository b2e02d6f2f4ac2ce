"""Every option of every group: the module it belongs to, its arguments, and one training batch with it."""

from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml
from composing import composed
from hydra.utils import instantiate

import snnx
from snnx.compose.check import COMPLETE, COMPLETED_LATER
from snnx.options.folders import shipped
from snnx.run.build import build_method
from snnx.run.signature import check_signatures

PIPELINE = ["augmentation", "encoding", "surrogate", "neuron", "attention", "norm", "backbone", "init"]
PIPELINE += ["decoding", "loss", "method", "quantization", "metric"]
SHARED = {  # modules that several components of a group use; every other module of the group must have an option
    "augmentation": {"augmentation", "hole", "rand_operation", "random_erasing", "warp"},
    "encoding": {"encoding", "spike_at", "temporal"},
    "neuron": {"cautions", "end_at_rest", "ends_in_spikes", "node", "packed_spikes", "spiking", "take_norms", "with_threshold"},
    "attention": {"attention", "self_attention"},
    "quantization": {"quantization"},
    "norm": {"foldable", "norm"},
    "surrogate": {"surrogate"},
    "backbone": {"backbone", "compiled", "recompute", "recompute_steps", "watched", "fold", "weights"},
    "init": {"init", "standardised"},
    "loss": {"loss", "misread"},
    "method": {"ann_accuracy", "base", "calibration", "early", "finite", "shapes", "stages"},
    "decoding": {"decoding", "running_mean"},
    "scheduler": {"decay", "scheduler"},
    "metric": {
        "attends",
        "by_step",
        "counting",
        "drawn_curves",
        "layer_hooks",
        "layer_values",
        "learned",
        "metric",
        "pieces",
        "recorder",
        "reductions",
    },
}
WITH = {  # overrides that an option needs
    "backbone=vit": ["backbone.embed_dim=16"],
    "attention=nsad": ["backbone=spikformer"],
    "attention=tasa": ["backbone=spikformer"],
    **{f"metric=attention_{what}": ["backbone=spikformer"] for what in ("energy", "map", "score", "zero")},
    "loss=psc_kernel": ["backbone=chain", "backbone.votes=1"],
    "metric=conversion_error": ["method=conversion", "timesteps=10"],
    "method=exponential": ["backbone=scnn", "backbone.bias=false", "backbone.pool=max"],
    "method=s4nn": ["backbone=mlp", "backbone.bias=false"],
    "method=ttfs": ["backbone=scnn", "backbone.bias=false", "backbone.pool=max"],
}
GIVES_ARGUMENTS = dict.fromkeys(
    (f"backbone={name}" for name in ("cifarnet", "vggsnn", "plif_net", "vgg9_bntt", "vgg11_nda", "vgg16_diet")), "chain"
) | {"backbone=resnet19": "resnet"}
"""Options that have no module of their own: published networks that are the class of another option with other arguments."""
LAYERS = {"recipe", "scale", "sweep", "row"}  # override layers, not components
OPTIONS = sorted(path for path in shipped("conf").glob("*/*.yaml"))


def ids(path: Path) -> str:
    return f"{path.parent.name}={path.stem}"


class Facts:
    """The facts of a data set that a network needs, without its images; the smallest size that every backbone accepts."""

    shape, classes = (1, 32, 32), 10


def nodes(tree: dict):
    """Yield every node that has a `_target_`."""
    if "_target_" in tree:
        yield tree
    for value in tree.values():
        if isinstance(value, dict):
            yield from nodes(value)


def test_no_group_stands_in_another():
    """A method, for example, is completed with the network and the neuron of their groups, and names neither itself."""
    groups = {path.parent.name for path in OPTIONS}

    def below(tree):
        for key, value in tree.items() if isinstance(tree, dict) else ():
            yield key, value
            yield from below(value)

    for path in OPTIONS:
        if path.parent.name not in LAYERS:
            inside = {
                key for key, value in below(yaml.safe_load(path.read_text())) if isinstance(value, dict) and "_target_" in value
            }
            own = {"surrogate"} if ids(path) == "attention=nsad" else set()  # that of the denoiser, whose width the paper gives
            assert inside & groups == own, path


@pytest.mark.parametrize("path", [p for p in OPTIONS if p.parent.name not in LAYERS], ids=ids)
def test_option_and_module_have_the_same_path(path):
    """`conf/neuron/plif.yaml` belongs to `snnx/neuron/plif.py`, unless it names a class of a third party or another option."""
    found = list(nodes(yaml.safe_load(path.read_text())))
    assert found, f"{path} names no _target_"
    for node in found:
        package, _, name = node["_target_"].rpartition(".")
        assert hasattr(import_module(package), name)
        if package.startswith("snnx."):
            names = {path.stem, f"{path.stem}_"} | ({GIVES_ARGUMENTS[ids(path)]} if ids(path) in GIVES_ARGUMENTS else set())
            assert package.split(".")[1:] in ([path.parent.name, name] for name in names)


def test_an_option_of_arguments_has_the_keys_of_the_option_whose_class_it_names():
    for option, other in GIVES_ARGUMENTS.items():
        group, name = option.split("=")
        own, full = (yaml.safe_load((shipped("conf") / group / f"{stem}.yaml").read_text()) for stem in (name, other))
        assert set(own) == set(full)
        assert own["_target_"] == full["_target_"]
        assert own != full


@pytest.mark.parametrize("path", [p for p in OPTIONS if p.parent.name in {*COMPLETED_LATER, *COMPLETE}], ids=ids)
def test_options_that_are_built_later_are_partial(path):
    assert yaml.safe_load(path.read_text()).get("_partial_", False) == (path.parent.name in COMPLETED_LATER)


def test_every_component_has_an_option():
    """Every module of a group, except shared ones, has a YAML file in `conf/`."""
    for group in [*PIPELINE, "scheduler"]:
        options = {p.stem for p in (shipped("conf") / group).glob("*.yaml")}
        files = {p.stem for p in (Path(snnx.__file__).parent / group).glob("*.py")} - {"__init__"}
        modules = {name.removesuffix("_") for name in files}
        assert modules - options == SHARED.get(group, set()), group


@pytest.mark.parametrize("path", [p for p in OPTIONS if p.parent.name in PIPELINE], ids=ids)
def test_one_batch_through_every_option(path):
    """Build the default pipeline with this option, and train one batch."""
    group, name = path.parent.name, path.stem
    value = f"[{name}]" if group in ("attention", "metric") else name
    run = composed(f"{group}={value}", *WITH.get(f"{group}={name}", []))
    check_signatures(run.config)
    torch.manual_seed(0)
    method = build_method({**run.config, "budget": {"width": 0.25}}, Facts())
    augment = instantiate(run.config["augmentation"], _convert_="all")
    images, labels = augment(torch.rand(6, 1, 32, 32), torch.arange(6))
    if method.encoding.sample_dims == 4:  # event frames
        images = images.unsqueeze(1).expand(-1, 4, -1, -1, -1)
    method.encoding.begin_evaluation()
    scores, loss = method.scores_and_loss(images, labels)
    assert scores.shape == (6, 10)
    loss.backward()
    trained = [p for p in method.parameters() if p.grad is not None]
    assert trained
    assert all(torch.isfinite(p.grad).all() for p in trained)


@pytest.mark.parametrize("name", sorted(p.stem for p in (shipped("conf") / "recipe").glob("*.yaml")))
def test_recipes_name_their_source(name):
    lines = (shipped("conf") / "recipe" / f"{name}.yaml").read_text().splitlines()
    assert lines[0] == "# @package _global_"
    assert lines[1].startswith("# ")
    assert "section" in lines[1] or "Table" in lines[1] or "ours" in lines[1]
    check_signatures(composed(f"recipe={name}").config)


@pytest.mark.parametrize("name", sorted(p.stem for p in (shipped("conf") / "scale").glob("*.yaml")))
def test_scales_contain_only_factors(name):
    body = yaml.safe_load((shipped("conf") / "scale" / f"{name}.yaml").read_text())
    assert set(body) == {"budget"}
    assert set(body["budget"]) == {"epochs", "samples", "width"}
    assert all(0 < factor <= 1 for factor in body["budget"].values())


@pytest.mark.parametrize("name", sorted(p.stem for p in (shipped("conf") / "optimizer").glob("*.yaml")))
@pytest.mark.parametrize("schedule", sorted(p.stem for p in (shipped("conf") / "scheduler").glob("*.yaml")))
def test_optimizers_and_schedules(name, schedule):
    config = composed(f"optimizer={name}", f"scheduler={schedule}").config
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = instantiate(config["optimizer"], _convert_="all")([{"params": [weight]}])
    steps = instantiate(config["scheduler"], _convert_="all")(optimizer, 10)
    first = optimizer.param_groups[0]["lr"]
    for _ in range(10):
        weight.sum().backward()
        optimizer.step()
        steps.step()
    assert not torch.equal(weight, torch.ones(2, 2))
    assert optimizer.param_groups[0]["lr"] <= first


def test_defaults_of_the_options_for_single_spikes():
    """The defaults are the paper's or those that its readers would expect, and T is passed on."""

    def found(*words: str) -> dict:
        return composed("timesteps=6", *words).config

    assert found("backbone=scnn")["backbone"]["pool"] == "avg"
    assert found("decoding=temporal_weighted")["decoding"]["gamma"] == 2.0
    assert found("decoding=temporal_linear")["decoding"]["timesteps"] == 6
    spikes = found("decoding=weighted_spikes")["decoding"]
    assert (spikes["gamma"], spikes["scale"]) == (2.0, 10.0)


@pytest.mark.parametrize("neuron", ["if", "lif", "plif", "klif"])
def test_the_transformer_s_neurons_have_the_form_of_eq_1(neuron):
    """Eq 1 does not multiply the input; IF has no key for it, so the recipe's setting is dropped there."""
    config = composed("recipe=dtst_fashion_mnist", f"neuron={neuron}").config
    assert config["neuron"].get("decay_input", False) is False
    check_signatures(config)


@pytest.mark.parametrize("name", ["ettfs_mnist", "ettfs_fashion_mnist"])
def test_recipes_of_ettfs_have_the_settings_of_the_paper(name):
    """TTFS neurons without leak, arctan, the ETTFS init, temporal weights, Adam, warm-up and cosine; the numbers are ours."""
    config = composed(f"recipe={name}").config
    chosen = {group: config[group]["_target_"].rpartition(".")[2] for group in ("neuron", "surrogate", "init", "decoding")}
    assert chosen == {"neuron": "TTFS", "surrogate": "ATan", "init": "ETTFS", "decoding": "TemporalWeighted"}
    assert config["neuron"]["tau"] is None
    assert (config["timesteps"], config["optimizer"]["lr"], config["dataset"]["batch_size"]) == (8, 0.01, 128)
    assert config["optimizer"]["_target_"] == "torch.optim.Adam"
    assert config["trainer"]["max_epochs"] == 100
    assert config["scheduler"]["_target_"].endswith("warmup_cosine.WarmupCosine")

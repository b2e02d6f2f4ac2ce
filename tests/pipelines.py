"""Small networks of each kind, in which every layer fires, and what methods and metrics refuse about them."""

from composing import configuration

from snnx.method.base import Method
from snnx.run.component import component
from snnx.testing.random_images import CLASSES, SHAPE

PIPELINES = {
    "spiking": ("timesteps=4", "neuron.v_threshold=0.1", "norm=none", "init=kaiming"),
    "attention": (
        "timesteps=3", "neuron.v_threshold=0.1", "norm=none", "init=kaiming", "attention=[tasa,nsad]",
        "attention.denoiser.threshold=1", "backbone=spikformer", "backbone.embed_dim=32", "backbone.heads=2",
        "backbone.depth=1", "backbone.pools=1", "backbone.v_threshold=0.1",
    ),
    "first spikes": ("timesteps=4", "neuron=ttfs", "init=ettfs"),
    "spike times": ("method=ttfs", "backbone=mlp", "backbone.hidden=[16]", "backbone.bias=false"),
    "decaying currents": (
        "method=exponential", "backbone=mlp", "backbone.hidden=[16]", "backbone.bias=false", "init=positive", "init.bound=2",
    ),
    "whole steps": (
        "method=s4nn", "backbone=mlp", "backbone.hidden=[16]", "backbone.bias=false", "optimizer=sgd",
        "method.initial=[3.1,48]",
    ),
    "whole steps, one by one": (
        "method=s4nn", "backbone=mlp", "backbone.hidden=[16]", "backbone.bias=false", "init=kaiming",
        "method.one_by_one=true", "method.binary=true", "method.threshold=40", "optimizer=sgd", "optimizer.momentum=0",
    ),
    "converted": ("method=conversion", "timesteps=20"),
    "converted to kernels": ("method=conversion", "method.code=t2fsnn", "method.start=8", "method.duration=16", "timesteps=32"),
    "in tandem": ("method=tandem", "timesteps=16"),
}  # fmt: skip
OWN = {"spike times": "ttfs", "decaying currents": "exponential", "whole steps": "s4nn", "whole steps, one by one": "s4nn"}
OWN |= {"converted": "conversion", "converted to kernels": "conversion", "in tandem": "tandem"}
"""Pipelines that are made for one method; all other pipelines are tried with every method."""

NO_SINGLE_SPIKES = {
    "spiking": "backbone must have no AvgPool2d",
    "attention": "backbone must have no bias",
    "first spikes": "backbone must have no norm",
}
METHOD_REFUSES = {
    "conversion": {"attention": "^SelfAttention: neuron must fire spikes"},  # it trains ReLU, and the denoiser needs spikes
    "fine_tuned": {"attention": "^FineTuned: attention and loss must not need spikes"},  # its first stage trains ReLU, too
    "tandem": {"attention": "^SelfAttention: neuron must fire spikes"},
    "ttfs": {pipeline: f"^TTFS: {why}" for pipeline, why in NO_SINGLE_SPIKES.items()},
    "exponential": {pipeline: f"^Exponential: {why}" for pipeline, why in NO_SINGLE_SPIKES.items()},
    "s4nn": dict.fromkeys(NO_SINGLE_SPIKES, "^S4NN: backbone must have linear layers only"),
}
"""What a method refuses, with the message; it must accept every other pipeline."""

TIMES = tuple(name for name, method in OWN.items() if method not in ("conversion", "tandem"))
NO_STEPS = dict.fromkeys(TIMES, "method must have time steps")
NO_ATTENTION = dict.fromkeys(("spiking", "first spikes", "in tandem", *TIMES), "backbone must have spiking attention")
NOTHING = dict.fromkeys(("spiking", "first spikes", "in tandem", *TIMES), "must give a curve in a test; got none$")
METRIC_REFUSES = {
    **{f"attention_{what}": NO_ATTENTION for what in ("energy", "map", "score", "zero")},
    **dict.fromkeys(("denoiser", "tasa"), NOTHING),
    "temporal_kernel": dict.fromkeys(
        ("spiking", "attention", "first spikes", "converted", "in tandem", *TIMES), NOTHING["spiking"]
    ),
    **{f"{what}potential": NO_STEPS for what in ("", "negative_", "residual_")},
    **dict.fromkeys(("anytime", "decision", "early_exit"), NO_STEPS),
    "firing_rate_by_iteration": NO_STEPS | {"in tandem": "must give a curve in a test; got none$"},
    "weight_gradient": NO_STEPS | {"in tandem": "^Tandem: metric must not read gradients"},
    "relative_energy": dict.fromkeys(
        (name for name in TIMES if name != "spike times"), "layers must have windows or time steps"
    ),
    "single_spike": dict.fromkeys(("spiking", "attention", "in tandem"), "a neuron must fire at most once per sample"),
}
"""What a metric refuses, or measures nothing of, besides what follows from its class attributes."""


def built(words: tuple[str, ...], **further: object) -> Method:
    """The method of a configuration, for the images of `snnx.testing.random_images`, with the weights of its `init`."""
    config = configuration(*words)
    made = component(config, "method")(in_shape=SHAPE, classes=CLASSES, **further)
    if (draw := component(config, "init")) is not None:
        draw(made.backbone)
    return made


def metric_refusal(name: str, pipeline: str) -> str | None:
    """The message with which a metric refuses a pipeline, as a pattern; None if it must measure it."""
    kind = type(option_of(name))
    if kind.needs_targets and OWN.get(pipeline) != "conversion":
        return "metric must not need target rates"
    if kind.needs_targets and pipeline == "converted to kernels":
        return "^Conversion: metric must not compare firing rates"
    if kind.needs_thresholds and pipeline == "converted to kernels":
        return "^Conversion: metric must not need a threshold at each step"
    if not kind.in_pieces and OWN.get(pipeline) == "conversion":
        return "^Conversion: metric must not need all steps at once"
    return METRIC_REFUSES.get(name, {}).get(pipeline)


def option_of(metric: str) -> object:
    """Build the metric of an option."""
    return component(configuration(f"metric=[{metric}]"), "metric")[metric]

"""What a code cannot take is refused in one line."""

import pytest
import torch
from coded import CODES, build, images
from composing import composed

from snnx.conversion.kernel import TemporalKernel
from snnx.conversion.links import Link
from snnx.run.build import build_method

REFUSED = [
    (["method.code=morse"], "Conversion: code must be one of rate, phase, burst, t2fsnn, park; got morse"),
    (["method.code=phase", "method.input=poisson"], "code=phase must go with input=current; got poisson; only code=rate has"),
    (
        ["method.code=burst", "method.normalise=threshold", "method.bias_calibration=false", "method.initial=0.5"],
        "code=burst must go with normalise=weight, initial=0.0; got threshold, 0.5; only code=rate has firing rates",
    ),
    (["method.code=t2fsnn", "method.scales=spikes"], "code=t2fsnn must go with scales=activations; got spikes"),
    (["method.code=t2fsnn"], r"timesteps must be 240 with code=t2fsnn, which is 2 \* start \+ duration for 3 layers; got 100"),
    (["method.code=t2fsnn", "method.start=90"], "start must be from 1 to duration=80, so that windows have no gap; got 90"),
    (["method.code=t2fsnn", "method.tuning=-1"], "Conversion: tuning must be at least 0; got -1"),
    (["method.code=park"], "Conversion: activation must be kernel with code=park; got relu"),
    (["method.activation=kernel"], "Conversion: activation must be relu or clipped with code=rate; got kernel"),
    (
        ["method.code=park", "method.activation=kernel", "method.percentile=99"],
        "code=park must go with percentile=null; got 99.*; its kernels are learned and need no scales",
    ),
    (
        ["method.code=park", "method.activation=kernel", "method.percentile_over=all", "method.per_channel=true"],
        "code=park must go with percentile_over=nonzero, per_channel=false; got all, true; its kernels are learned and need no",
    ),
    (
        ["method.start=40", "method.duration=50", "method.tuning=3"],
        "code=rate must go with start=80, duration=80; got 40, 50; only code=t2fsnn and park have windows",
    ),
    (["method.duration=50"], "code=rate must go with duration=80; got 50; only code=t2fsnn and park have windows"),
    (["method.code=burst", "method.tuning=0"], "code=burst must go with tuning=6; got 0; only code=t2fsnn tunes kernels"),
    (
        ["method.code=park", "method.activation=kernel", "method.tuning=2"],
        "code=park must go with tuning=6; got 2; only code=t2fsnn tunes kernels",
    ),
    (
        ["method.activation=kernel", "method.code=park", "method.ceiling=0"],
        "TemporalKernel: ceiling must be positive and finite; got 0",
    ),
    (["method.code=phase", "metric=[conversion_error]"], "metric must not compare firing rates, .*; got conversion_error"),
    (
        ["method.code=burst", "backbone=vgg", "backbone.pool=max"],
        "got MaxPool in features.pool1.0; use average pooling",
    ),
    (
        ["method.code=t2fsnn", "backbone=resnet", "backbone.stem=cifar"],
        "must have one layer after another with code=t2fsnn, .* which is a branch; use backbone=vgg, scnn or convnet, or code=",
    ),
]


@pytest.mark.parametrize(
    ("overrides", "message"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_what_a_code_cannot_take_is_refused_before_training(overrides, message):
    class Large:
        shape, classes = (1, 32, 32), 10

    with pytest.raises(Exception, match=message) as caught:
        build_method(composed("method=conversion", "timesteps=100", *overrides).config, Large())
    assert "\n" not in str(caught.value).split("Conversion: ")[-1].split("\nfull_key")[0]


def test_an_image_that_is_added_to_spikes_has_no_phase():
    method = build(*CODES["phase"])
    links = {"conv1": Link(None, "sn1"), "conv2": Link("sn1", "sn2"), "skip": Link(None, "sn2"), "out": Link("sn2", None)}
    with pytest.raises(ValueError, match=r"not add the image to what layers send with code=phase, .*; got skip; use code=rate"):
        method.code.require_fitting(links, 96)
    build(*CODES["burst"]).code.require_fitting(links, 96)


@pytest.mark.parametrize("duration", [0, 8.5])
def test_a_kernel_has_a_window_of_whole_steps(duration):
    with pytest.raises(ValueError, match=f"TemporalKernel: duration must be a whole number, at least 1; got {duration}"):
        TemporalKernel(duration=duration, ceiling=1.0)


def test_a_kernel_has_a_finite_ceiling():
    with pytest.raises(ValueError, match="TemporalKernel: ceiling must be positive and finite; got inf"):
        TemporalKernel(duration=8, ceiling=float("inf"))


def test_images_must_be_in_range():
    method = build(*CODES["phase"])
    with pytest.raises(ValueError, match=r"Presented: x must be in \[0, 1\]; got .*; set dataset.normalize=false"):
        method.encoding(images() * 3 - 1)


def test_a_tuned_time_constant_must_stay_positive():
    method = build("method.code=t2fsnn", "method.start=2", "method.duration=2", "timesteps=6", "method.tuning=48")
    with pytest.raises(ValueError, match=r"time constant of .* must stay above 0 with code=t2fsnn; got -.*; use a longer"):
        method.convert(lambda: [images()])


def test_a_learned_time_constant_must_stay_positive():
    method = build(*CODES["park"])
    with torch.no_grad():
        next(m for m in method.backbone.modules() if isinstance(m, TemporalKernel)).time_constant.fill_(-1.0)
    with pytest.raises(
        ValueError, match=r"the time constant of stages\.sn1 must stay above 0 with code=park; got -1; .* lower optimizer.lr"
    ):
        method.convert(lambda: [images()])

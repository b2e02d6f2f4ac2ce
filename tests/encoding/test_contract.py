"""What every option of conf/encoding does besides the contracts of `snnx.testing.encoding`."""

import re

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from snnx.encoding.encoding import Encoding
from snnx.options.files import files
from snnx.options.folders import shipped
from snnx.run.component import component
from snnx.testing.over_time import from_rest

NEURON = {"_target_": "spikingjelly.activation_based.neuron.IFNode", "_partial_": True, "step_mode": "m"}


def build(option: str, timesteps: int = 4, in_channels: int = 3) -> Encoding:
    loaded = OmegaConf.load(shipped("conf") / "encoding" / f"{option}.yaml")
    config = OmegaConf.create({"timesteps": timesteps, "neuron": NEURON, "surrogate": None, "encoding": loaded})
    return component(OmegaConf.to_container(config, resolve=True), "encoding")(in_channels=in_channels)


def samples(encoding: Encoding, batch: int = 3, height: int = 5, width: int = 6) -> Tensor:
    """Random images with values in [0, 1], or frames of them, as the encoding says."""
    frames = [encoding.timesteps] if encoding.sample_dims == 4 else []
    return torch.rand(batch, *frames, encoding.in_channels, height, width)


@pytest.fixture(params=files("encoding"))
def option(request):
    return request.param


@pytest.mark.parametrize("timesteps", [1, 2, 10])
@pytest.mark.parametrize("training", [True, False])
def test_time_comes_first_with_the_channels_of_out_channels(option, timesteps, training):
    encoding = build(option, timesteps).train(training)
    out = encoding(samples(encoding, batch=2))
    assert out.shape == (timesteps, 2, encoding.out_channels, 5, 6)
    assert out.dtype == torch.float32


def test_every_value_of_a_byte_is_accepted(option):
    encoding = build(option, in_channels=1)
    pixels = torch.arange(256.0).view(16, 16) / 255
    out = encoding(pixels.expand_as(samples(encoding, batch=1, height=16, width=16)))
    assert ((out >= 0) & (out <= 1)).all()


@pytest.mark.parametrize("value", [-1.0, 2.0, float("nan")])
@pytest.mark.parametrize("training", [True, False])
def test_no_value_outside_zero_to_one_saturates_unnoticed(option, training, value):
    """An encoding rejects such values, at the start of each evaluation again, or its output differs from that of [0, 1]."""
    torch.manual_seed(0)
    encoding = build(option).train(training)
    x = samples(encoding)
    if not training:
        from_rest(encoding, x)
        encoding.begin_evaluation()
    x[..., ::2] = value
    out, message = None, None
    try:
        out = from_rest(encoding, x).clone()
    except ValueError as error:
        message = str(error)
    if out is None:
        assert re.fullmatch(r"\w+: x must be in \[0, 1\]; got .*; set dataset.normalize=false", message)
    else:
        assert out.isfinite().all() or value != value
        assert not torch.equal(out, from_rest(encoding, x.nan_to_num(0.0).clamp(0, 1)))


@pytest.mark.parametrize("timesteps", [0, -1])
def test_fewer_than_one_step_is_rejected(option, timesteps):
    with pytest.raises(ValueError, match=rf"^\w+: timesteps must be at least 1; got {timesteps}$"):
        build(option, timesteps)

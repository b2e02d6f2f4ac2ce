"""What every option under conf/encoding keeps."""

import pytest
import torch
from omegaconf import OmegaConf
from spikingjelly.activation_based.functional import reset_net

from snnx.encoding.encoding import Encoding
from snnx.encoding.repeat import Repeat
from snnx.options.folders import shipped
from snnx.run.component import component

OPTIONS = sorted(path.stem for path in (shipped("conf") / "encoding").glob("*.yaml") if path.stem != "events")  # of images
NEURON = {"_target_": "spikingjelly.activation_based.neuron.IFNode", "_partial_": True, "step_mode": "m"}


def build(option: str, timesteps: int = 4, in_channels: int = 3) -> Encoding:
    loaded = OmegaConf.load(shipped("conf") / "encoding" / f"{option}.yaml")
    config = OmegaConf.create({"timesteps": timesteps, "neuron": NEURON, "surrogate": None, "encoding": loaded})
    return component(OmegaConf.to_container(config, resolve=True), "encoding")(in_channels=in_channels)


@pytest.fixture(params=OPTIONS)
def option(request):
    return request.param


@pytest.mark.parametrize("timesteps", [1, 2, 10])
@pytest.mark.parametrize("training", [True, False])
def test_time_comes_first_and_out_channels_tells_the_truth(option, timesteps, training):
    encoding = build(option, timesteps).train(training)
    out = encoding(torch.rand(2, 3, 5, 6))
    assert out.shape == (timesteps, 2, encoding.out_channels, 5, 6)
    assert out.dtype == torch.float32


def test_every_intensity_of_a_pixel_is_accepted(option):
    out = build(option, in_channels=1)(torch.arange(256.0).view(1, 1, 16, 16) / 255)
    assert out.isfinite().all()
    assert ((out >= 0) & (out <= 1)).all()


def test_two_evaluations_see_the_same_and_leave_the_training_generator_alone(option):
    encoding = build(option).eval()
    batches = [torch.rand(2, 3, 4, 4), torch.rand(1, 3, 4, 4)]
    before = torch.get_rng_state()
    passes = []
    for _ in range(2):
        encoding.begin_evaluation()
        outs = []
        for batch in batches:
            outs.append(encoding(batch).clone())
            reset_net(encoding)
        passes.append(outs)
    assert all(torch.equal(first, second) for first, second in zip(*passes, strict=True))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("option", [name for name in OPTIONS if name != "rate"])  # which draws for the whole batch
def test_an_encoded_sample_does_not_depend_on_its_batch(option):
    encoding = build(option).eval()
    x = torch.rand(3, 3, 4, 4)
    whole = encoding(x)[:, 1:2].clone()
    reset_net(encoding)
    assert torch.allclose(whole, encoding(x[1:2]))


@pytest.mark.parametrize("option", [name for name in OPTIONS if name not in ("repeat", "conv_direct")])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_values_that_would_saturate_are_refused(option, value):
    encoding = build(option)
    with pytest.raises(ValueError, match=r"^\w+: x must lie in \[0, 1\]; got .*; set dataset.normalize=false$"):
        encoding(torch.full((1, 3, 2, 2), value))


@pytest.mark.parametrize("option", ["repeat", "conv_direct"])
def test_direct_coding_takes_normalised_images(option):
    assert build(option)(torch.randn(2, 3, 4, 4)).isfinite().all()


def test_the_range_is_looked_at_again_in_each_evaluation():
    encoding = build("rate").eval()
    encoding(torch.rand(1, 3, 2, 2))
    encoding.begin_evaluation()
    with pytest.raises(ValueError, match="x must lie in"):
        encoding(torch.full((1, 3, 2, 2), 2.0))


@pytest.mark.parametrize("timesteps", [0, -1])
def test_no_steps_is_refused(timesteps):
    with pytest.raises(ValueError, match=f"Encoding: timesteps must be at least 1; got {timesteps}"):
        Repeat(timesteps=timesteps, in_channels=1)

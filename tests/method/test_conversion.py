"""The method conversion: results do not depend on the pieces, and SpikingJelly's converter gives the same accuracy."""

import copy
import json
import re

import pytest
import pytorch_lightning as pl
import torch
from composing import composed
from spikingjelly.activation_based import ann2snn, functional
from spikingjelly.activation_based.layer import SeqToANNContainer
from torch import nn

from snnx.conversion.calibrate import calibrate
from snnx.conversion.convert import convert
from snnx.conversion.links import links
from snnx.conversion.spikingjelly import convert_spikingjelly
from snnx.metric.recorder import Recorder
from snnx.neuron.if_ import IF
from snnx.run.build import build_data, build_method
from snnx.run.execute import execute


class Facts:
    shape, classes = (1, 8, 8), 10


def build(*overrides):
    torch.manual_seed(0)
    method = build_method(composed("method=conversion", "backbone.channels=[8,8]", *overrides).config, Facts())
    return method.eval()


def images(size=6):
    return torch.rand(size, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def measured(method, x):
    """The scores and all curves of a test."""
    with Recorder(method.backbone, list(method.metrics.values()), method.watch) as method.recorder:
        method.recorder.labels = torch.arange(len(x)) % 10
        method.encoding.begin_evaluation()
        method.convert(lambda: [x])
        scores = method(x)
        method.recorder.end_batch(scores.argmax(1) == method.recorder.labels)
    return scores, method.recorder.curves("test")


@pytest.mark.parametrize("normalise", ["weight", "threshold", "spikingjelly"])
def test_pieces_do_not_matter(normalise):
    """Scores and curves are the same in one piece, step by step, and in pieces that do not divide the run."""
    common = ["timesteps=30", f"method.normalise={normalise}", "metric=[anytime,firing_rate]"]
    (scores, curves), *others = (measured(build(*common, f"method.piece={piece}"), images()) for piece in (30, 7, 1))
    for other_scores, other_curves in others:
        torch.testing.assert_close(other_scores, scores)
        assert other_curves.keys() == curves.keys()
        for curve, table in curves.items():
            for place, values in table.items():
                assert len(values) == 30
                torch.testing.assert_close(other_curves[curve][place], values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("option", ["method.scales=spikes", "method.bias_calibration=true"])
@pytest.mark.parametrize("input", ["current", "poisson"])
def test_pieces_do_not_matter_for_simulated_scales(option, input):
    common = ["timesteps=30", f"method.input={input}", option]
    sizes = (30, 7) if input == "current" else (10, 10)  # random spikes are drawn piece by piece
    first, second = (measured(build(*common, f"method.piece={size}"), images())[0] for size in sizes)
    torch.testing.assert_close(second, first)


@pytest.mark.parametrize("steps", [10, 90])
def test_memory_is_needed_for_one_piece_only(steps):
    """No layer gets more steps at once than a piece has, however long the run is."""
    method, seen = build(f"timesteps={steps}", "method.piece=10"), []
    for module in method.convert(lambda: [images()]).modules():
        module.register_forward_pre_hook(lambda _, x: seen.append(x[0].numel()))
    method(images())
    assert max(seen) == 10 * 6 * 8 * 8 * 8  # steps, images and the size of the first stage's maps
    assert method.decoding.total.shape == (6, 10)


def test_every_evaluation_draws_the_same_spikes():
    method = build("timesteps=30", "method.input=poisson", "metric=[anytime]")
    assert torch.equal(measured(method, images())[0], measured(method, images())[0])


def test_anytime_gives_the_accuracy_of_a_run_of_each_length():
    long = measured(build("timesteps=24", "metric=[anytime]"), images())[1]
    for steps in (1, 8, 17):
        short = measured(build(f"timesteps={steps}", "metric=[anytime]"), images())[1]
        for curve in ("acc", "spikes", "synops", "energy_uj", "exit_acc", "running"):
            name = f"anytime_{curve}"
            assert short[name]["all"][-1].item() == pytest.approx(long[name]["all"][steps - 1].item(), rel=1e-6), name


def test_poisson_rates_equal_pixels_and_scores_approach_the_networks():
    method = build("timesteps=3000", "method.input=poisson", "method.piece=500")
    method.convert(lambda: [images()])
    with torch.no_grad():
        wanted = method.backbone(images()[None])[0]
        assert (method(images()) - wanted).abs().max() < 0.15 * wanted.abs().max()
    method.encoding.begin_evaluation()
    with pytest.raises(ValueError, match=r"Rate: x must be in \[0, 1\]; got .* to .*; set dataset.normalize=false"):
        method(images() * 3 - 1)


def test_training_and_validation_use_the_relu_network():
    method = build()
    method.convert(lambda: [images()])
    spikes = method(images())
    method._trainer = pl.Trainer(logger=False, accelerator="cpu", enable_progress_bar=False)  # a trainer that is not testing
    assert torch.equal(method(images()), method.backbone(images()[None])[0])
    assert not torch.equal(method(images()), spikes)
    assert not [name for name, _ in method.named_parameters() if not name.startswith("backbone.")]
    assert not [key for key in method.state_dict() if not key.startswith("backbone.")]


def test_a_run_prints_the_layer_with_the_largest_error(empty, capsys):
    """A whole run gives the accuracies of both networks, their difference, and the error of each layer."""
    run = composed(
        "method=conversion", "timesteps=40", "trainer.max_epochs=1", "metric=[anytime,conversion_error]", "budget.samples=0.3",
        "metric.conversion_error.marks=[10,40,99]", "method.initial=0.5",
    )  # fmt: skip
    found = execute(run)
    assert found["status"] == "done", found["error"]
    seen = found["metrics"]
    assert seen["test/conversion_loss"] == pytest.approx(seen["test/ann_acc"] - seen["test/acc"])
    assert seen["test/acc"] == pytest.approx(seen["test/anytime_acc_at_20"], abs=0.1)
    assert seen["test/conversion_error_at_40"] < seen["test/conversion_error_at_10"]
    errors = found["layers"]["conversion_error"]["test"]
    assert list(errors) == ["stages.sn1", "stages.sn2"]
    worst = max(errors, key=lambda layer: errors[layer][-1])
    wanted = _weighted(errors, {"stages.sn1": 16 * 64, "stages.sn2": 32 * 16})
    assert seen["test/conversion_error"] == pytest.approx(wanted, rel=1e-4)  # the layers' numbers are rounded
    line = f"snnx: {worst} has the largest conversion error: its rates are off by {errors[worst][-1]:.4f} on average; mean"
    assert line in capsys.readouterr().out
    assert found["paths"] == {"train": {}, "test": {"numba": 2}}
    assert json.loads((run.folder / "result.json").read_text())["metrics"]["test/acc"] == seen["test/acc"]


def test_codes_read_out_the_same_trained_network(empty):
    """Rows that differ in the code alone train alike from the same seed; a network trained with kernels has no gap."""
    common = [
        "method=conversion",
        "trainer.max_epochs=2",
        "optimizer.lr=0.01",
        "budget.samples=0.5",
        "metric=[relative_energy]",
    ]
    codes = {
        "rate": ["timesteps=32"],
        "phase": ["timesteps=32"],
        "burst": ["timesteps=32"],
        "t2fsnn": ["timesteps=64", "method.start=16", "method.duration=32"],
        "park": ["timesteps=96", "method.start=32", "method.duration=32", "method.activation=kernel", "method.ceiling=4.0"],
    }
    found = {code: execute(composed(*common, f"method.code={code}", *words)) for code, words in codes.items()}
    assert {code: run["error"] for code, run in found.items() if run["status"] != "done"} == {}
    first, *others = (found[code] for code in ("rate", "phase", "burst", "t2fsnn"))
    for run in others:
        assert run["curves"]["train/loss"] == first["curves"]["train/loss"]
        assert run["metrics"]["test/ann_acc"] == first["metrics"]["test/ann_acc"]
    assert found["park"]["metrics"]["test/conversion_loss"] == 0
    assert found["park"]["metrics"]["test/ann_acc"] > 0.5
    assert found["t2fsnn"]["metrics"]["test/latency_steps"] == 64
    assert len({run["hash"] for run in found.values()}) == len(codes)


def _weighted(errors, neurons):
    """The mean over all neurons of the last mark."""
    return sum(errors[layer][-1] * n for layer, n in neurons.items()) / sum(neurons.values())


def test_clipped_activations_learn_their_ceilings(empty, capsys):
    """Without a norm, activations start far below a ceiling of 8; the network learns all the same, and prints its ceilings."""
    run = composed(
        "method=conversion", "timesteps=8", "method.activation=clipped", "method.initial=0.5", "norm=none",
        "trainer.max_epochs=6", "optimizer.lr=0.01",
    )  # fmt: skip
    found = execute(run)
    assert found["status"] == "done", found["error"]
    assert found["metrics"]["test/ann_acc"] > 0.8
    lines = [line for line in capsys.readouterr().out.splitlines() if "ceilings" in line]
    assert re.fullmatch(r"snnx: ceilings, which were 8 at the start: stages\.sn1 [\d.]+, stages\.sn2 [\d.]+", lines[0])


def test_weights_of_another_network_are_not_converted(empty):
    """The file has the right names and sizes, but its norms have seen other images."""
    first = execute(composed("method=conversion", "timesteps=20", "trainer.max_epochs=3"))
    *_, checkpoint = sorted((empty / "outputs" / "runs" / first["hash"] / "ckpt").glob("epoch=*"))
    run = composed(
        "method=conversion", "timesteps=20", "trainer.max_epochs=0", f"method.checkpoint='{checkpoint}'", "metric=[anytime]"
    )
    assert execute(run)["status"] == "done"
    found = execute(composed(*run.overrides, "dataset.normalize=true"))
    assert "Conversion: loaded weights must fit the network and its images; got values before" in found["error"]["message"]


def test_calibration_may_use_the_whole_training_set(empty):
    method, data = build("method.calibration=null"), build_data(composed().config)
    data.setup()
    assert sum(map(len, method.calibration_images(data))) == data.split_counts["train"] - data.split_counts["train"] % 64 % 2


def test_scales_come_from_training_samples_without_augmentation(empty, monkeypatch):
    """As many as `calibration` says, in the run's order, and none from the test set."""
    seen = []

    def watch(network, batches, **how):
        seen.append(torch.cat(list(batches())))
        return calibrate(network, batches, **how)

    monkeypatch.setattr("snnx.conversion.scaling.calibrate", watch)
    run = composed(
        "method=conversion", "timesteps=5", "trainer.max_epochs=0", "method.calibration=70", "augmentation=crop_flip"
    )
    assert execute(run)["status"] == "done"
    (samples,) = seen
    data = build_data(composed().config)
    data.setup()
    training = {
        image.numpy().tobytes()
        for image in torch.cat([data.on_after_batch_transfer(batch, 0)[0] for batch in data.train_dataloader()])
    }
    assert len(samples) == 70
    assert {image.numpy().tobytes() for image in samples} <= training


def test_an_input_that_is_not_a_probability_is_rejected_before_training(empty):
    run = composed("method=conversion", "method.input=poisson", "timesteps=5", "trainer.max_epochs=2", "dataset.normalize=true")
    found = execute(run)
    assert found["status"] == "failed"
    assert "must be in [0, 1]" in found["error"]["message"]
    assert not list(run.folder.glob("ckpt/epoch=*"))


def test_a_metric_of_target_rates_needs_a_method_that_has_them():
    with pytest.raises(ValueError, match=r"^Direct: metric must not need target rates, .*; got conversion_error"):
        build_method(composed("metric=[conversion_error]").config, Facts())


def test_a_run_must_reach_the_first_step_of_a_metric():
    with pytest.raises(ValueError, match="timesteps must be at least 10, the first step of conversion_error; got 8"):
        build_method(composed("method=conversion", "metric=[conversion_error]", "timesteps=8").config, Facts())


def test_a_checkpoint_is_converted_without_training(empty):
    first = execute(composed("method=conversion", "timesteps=20", "trainer.max_epochs=1", "budget.samples=0.3"))
    (checkpoint,) = (empty / "outputs" / "runs" / first["hash"] / "ckpt").glob("best.ckpt")
    run = composed(
        "method=conversion", "timesteps=20", "trainer.max_epochs=0", "budget.samples=0.3", f"method.checkpoint='{checkpoint}'"
    )
    second = execute(run)
    assert second["metrics"]["test/acc"] == first["metrics"]["test/acc"]
    wide = execute(composed(*run.overrides, "backbone.channels=[16,48]"))
    assert wide["status"] == "failed"
    assert (
        "method.checkpoint: stages.conv2.0.weight must be of size [48, 16, 3, 3]; got [32, 16, 3, 3]"
        in wide["error"]["message"]
    )


@torch.no_grad()
def test_agrees_with_spikingjellys_converter():
    """Both convert a network that was trained on digits, with the maximum over one batch as scale: after 256 steps the
    accuracies differ by less than 0.5 points. `normalise=spikingjelly` gives the scores of SpikingJelly's converter."""
    data = build_data(composed().config)
    data.setup()
    images, labels = (torch.cat(parts) for parts in zip(*data.train_dataloader(), strict=True))
    x, wanted = (torch.cat(parts) for parts in zip(*data.test_dataloader(), strict=True))
    images, x = images.float() / 255, x.float() / 255
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
    ]
    plain = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(plain.parameters(), 0.01)
    with torch.enable_grad():
        for _ in range(150):
            optimizer.zero_grad()
            nn.functional.cross_entropy(plain(images), labels).backward()
            optimizer.step()
    ann = (plain(x).argmax(1) == wanted).float().mean().item()
    timed = nn.Sequential(
        *(layer if isinstance(layer, nn.ReLU) else SeqToANNContainer(layer) for layer in copy.deepcopy(layers))
    )
    timed.append(nn.Flatten(2)).append(copy.deepcopy(plain[-1]))
    recipe = ann2snn.RateCodingRecipe([images], mode="Max", neuron_factory=lambda scale: IF(v_reset=None))
    theirs = ann2snn.Converter(recipe, device="cpu").convert(plain)
    untouched = copy.deepcopy(timed)
    ours = convert(timed, links(timed, (1, 8, 8)), calibrate(timed, lambda: [images]))
    recipe = convert_spikingjelly(copy.deepcopy(untouched), lambda: [images])[0]
    steps, right, scores = 256, [], []
    for snn in (theirs, ours, recipe):
        functional.set_step_mode(snn, "m")
        functional.reset_net(snn)
        scores.append(snn(x.expand(steps, *x.shape)).mean(0))
        right.append((scores[-1].argmax(1) == wanted).float().mean().item())
    assert ann > 0.9
    assert abs(right[0] - right[1]) <= 0.005
    assert (scores[0] - scores[1]).abs().mean() < 0.01 * scores[0].abs().mean()
    torch.testing.assert_close(scores[2], scores[0])
    assert abs(right[1] - ann) <= 0.01

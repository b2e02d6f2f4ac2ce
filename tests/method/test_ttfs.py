"""The method ttfs: its network equals the simulation, it rejects backbones that do not fit, and it learns."""

import pytest
import pytorch_lightning as pl
import torch
from composing import composed
from finished import finished
from hydra.utils import instantiate
from torch import nn

from snnx.metric.recorder import Recorder
from snnx.metric.spikes_per_neuron import SpikesPerNeuron
from snnx.run.build import build_method
from snnx.spike_time.dynamic_threshold import DynamicThreshold
from snnx.spike_time.ramp import Ramp
from snnx.spike_time.stepwise import SILENT, stepwise

CNN = ["method=ttfs", "backbone=scnn", "backbone.bias=false", "backbone.pool=max"]


class Facts:
    shape, classes = (1, 28, 28), 10


def build(*overrides, width=0.25):
    torch.manual_seed(0)
    run = composed(*CNN, *overrides)
    return build_method({**run.config, "budget": {"width": width}}, Facts())


def images(size=3):
    draw = torch.Generator().manual_seed(0)
    return torch.rand(size, 1, 28, 28, generator=draw) * (torch.rand(size, 1, 28, 28, generator=draw) < 0.5)


def times(planes):
    m, a = planes
    return torch.where(m > 0, 1 - a, SILENT)


@pytest.mark.parametrize("fire_at_end", [False, True])
@pytest.mark.parametrize("source", ["time", "direct"])
def test_every_layer_equals_its_simulation(fire_at_end, source):
    """Each layer is simulated from its own inputs, since rounding to steps would add up, and fires within one step of it."""
    method = build(f"method.fire_at_end={fire_at_end}", f"method.input={source}", "init=kaiming").double()
    seen = {}
    for name, module in method.backbone.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear | DynamicThreshold):
            module.register_forward_hook(lambda module, x, y, name=name: seen.update({name: (module, x[0], y)}))
    method(images().double())
    layers = list(seen.values())
    compared = 0
    for (layer, x, _), (_, _, y) in list(zip(layers[::2], layers[1::2], strict=False))[source == "direct" :]:
        planes = x.detach().unflatten(0, (2, -1)) if isinstance(layer, nn.Conv2d) else x.detach()
        found = times(y.detach())
        if isinstance(layer, nn.Conv2d):
            planes = torch.stack([nn.functional.unfold(p, 5).transpose(1, 2).flatten(0, 1) for p in planes])
            found = found.flatten(2).transpose(1, 2).flatten(0, 1)
        simulated = stepwise(layer.weight.detach().flatten(1), times(planes), 100, fire_at_end=fire_at_end)
        close = (planes[1] @ layer.weight.detach().flatten(1).T + planes[0] @ layer.weight.detach().flatten(1).T).abs() < 1e-9
        both = ~close  # without a potential of 0 at the end, where rounding decides
        assert torch.equal(simulated.isnan()[both], found.isnan()[both])
        late = (simulated - found)[both & ~found.isnan()]
        assert late.min() > -1e-9
        assert late.max() < 0.01 + 1e-9
        compared += int((~found.isnan()).sum())
    assert compared > 300


@pytest.mark.parametrize("source", ["time", "direct"])
def test_layers_pass_on_at_most_one_spike_per_neuron(source):
    method = build(f"method.input={source}")
    found = []
    for module in method.backbone.modules():
        if isinstance(module, DynamicThreshold | nn.MaxPool2d):
            module.register_forward_hook(lambda module, x, y: found.append(y.unflatten(0, (2, -1)) if len(y) > 2 else y))
    method(images())
    assert len(found) == 6
    for m, a in found:
        assert set(m.unique().tolist()) <= {0.0, 1.0}
        assert ((a >= 0) & (a <= m)).all()


def test_the_membrane_is_read_at_the_start_or_the_end_of_the_last_window():
    """Against `V(t) = sum of w_i max(t - t_i, 0)`, with the times of the last layer's inputs; its window is from 1 to 2."""
    scores, found = {}, {}
    for place, end in (("start", 1.0), ("end", 2.0)):
        method = build(f"method.readout={place}_membrane", "init=kaiming")
        method.backbone.classifier.out.register_forward_hook(lambda module, x, y: found.update(x=x[0], weight=module.weight))
        scores[place] = method(images())
        m, a = found["x"]
        expected = (m * (end - (1 - a))) @ found["weight"].T
        torch.testing.assert_close(scores[place], expected)
    assert not torch.allclose(scores["start"], scores["end"])


@pytest.mark.parametrize("readout", ["end_membrane", "start_membrane", "spike_time"])
def test_it_learns(readout):
    method = build(f"method.readout={readout}", "init=kaiming")
    optimizer = torch.optim.Adam(method.parameters(), 0.003)
    x, labels = images(20), torch.arange(20) % 10
    losses = []
    for _ in range(25):
        loss = method.loss(method(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0], losses


@pytest.mark.parametrize("backbone", [["backbone=scnn"], ["backbone=vgg", "backbone.norm=false"]])
def test_backbones_of_other_methods_work(backbone):
    class Colour:
        shape, classes = (3, 32, 32), 10

    method = build_method({**composed(*CNN, *backbone, *CNN[2:]).config, "budget": {"width": 0.1}}, Colour())
    scores = method(torch.rand(2, 3, 32, 32))
    assert scores.shape == (2, 10)
    assert scores.requires_grad


@pytest.mark.parametrize(
    ("depth", "hidden", "neurons"), [(16, 4096, 284_682), (11, 4096, 159_754), (11, 512, 152_586), (None, None, 12_202)]
)
def test_numbers_of_neurons(depth, hidden, neurons):
    """As the paper and its code count them, including the outputs."""
    vgg = ["backbone=vgg", f"backbone.depth={depth}", f"backbone.hidden=[{hidden},{hidden}]", "backbone.norm=false"]
    config = composed(*CNN, *(vgg if depth else [])).config
    shape = (3, 32, 32) if depth else (1, 28, 28)
    with torch.device("meta"):
        net = instantiate(config["backbone"], _convert_="all")(neuron=nn.ReLU, in_shape=shape, classes=10)
        counted = [10]
        for module in net.modules():
            if isinstance(module, nn.ReLU):
                module.register_forward_hook(lambda module, x, y: counted.append(y[0, 0].numel()))
        net(torch.zeros(1, 1, *shape))
    assert sum(counted) == neurons


def test_spikes_per_neuron_equals_a_count():
    """The spikes of all layers are counted here, and the ten outputs as one spike each."""
    method = build("init=kaiming").eval()
    spikes, neurons = 10.0, 10

    def count(module, x, y):
        nonlocal spikes, neurons
        spikes, neurons = spikes + y[0].sum().item() / 3, neurons + y[0, 0].numel()

    for module in method.backbone.modules():
        if isinstance(module, DynamicThreshold):
            module.register_forward_hook(count)
    with Recorder(method.backbone, [SpikesPerNeuron()]) as method.recorder, torch.no_grad():
        method.recorder.labels = torch.arange(3)
        method(images())
        method.recorder.end_batch(torch.tensor([True, False, True]))
    found = method.recorder.scalars()
    assert found["test/spikes_per_neuron"] == pytest.approx(spikes / neurons)
    assert found["test/inactive_percent"] == pytest.approx(100 - 100 * spikes / neurons)


def test_without_spikes_it_equals_an_ann_of_clamped_relus():
    """Compared with the same backbone with torch's `Hardtanh(0, 1)`."""
    method, x = build("method.input=direct", "init=kaiming"), images()
    ann = build("method.input=direct").backbone
    ann.load_state_dict(method.backbone.state_dict())
    for name, module in list(ann.named_modules()):
        if isinstance(module, DynamicThreshold):
            parent, _, child = name.rpartition(".")
            setattr(ann.get_submodule(parent), child, nn.Hardtanh(0, 1))
    assert torch.equal(method.backbone(x[None]), ann(x[None]))


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_the_source_is_trained_first_and_never_validated(tmp_path):
    """In the first two of four epochs, resumed in between, neurons get one plane in training; else they get two."""
    loader = torch.utils.data.DataLoader([(images(4), torch.arange(4))], batch_size=None)
    seen = {True: [], False: []}

    def fit(epochs, checkpoint=None):
        method = build("method.source=0.5")
        method.backbone.features.sn1.register_forward_pre_hook(lambda _, x: seen[method.training].append(len(x[0])))
        trainer = pl.Trainer(
            max_epochs=4,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
            enable_checkpointing=False,
            num_sanity_val_steps=0,
            limit_train_batches=1,
            callbacks=[
                pl.callbacks.LambdaCallback(
                    on_train_epoch_end=lambda t, m: setattr(t, "should_stop", t.current_epoch + 1 == epochs)
                )
            ],
        )
        trainer.fit(method, loader, loader, ckpt_path=checkpoint, weights_only=None)
        trainer.save_checkpoint(tmp_path / "last.ckpt")

    fit(1)
    fit(4, tmp_path / "last.ckpt")
    assert seen == {True: [1, 1, 2, 2], False: [2, 2, 2, 2]}


def test_each_stage_gets_at_least_one_epoch():
    shares = {share: build(f"method.source={share}") for share in (0.0, 0.1, 0.5, 0.9)}
    assert [method._source_epochs(3) for method in shares.values()] == [0, 1, 2, 2]
    assert [method._source_epochs(1) for method in shares.values()] == [0, 0, 0, 0]


CHAIN = ["backbone=chain", "backbone.hidden=[]", "backbone.norm=false", "backbone.bias=false", "method=ttfs"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["method.input=rate"], "TTFS: input must be one of time, direct; got rate"),
        (["method.readout=count"], "TTFS: readout must be one of end_membrane, start_membrane, spike_time; got count"),
        (["method.source=1.0"], r"TTFS: source must be a share of the epochs in \[0, 1\); got 1.0"),
        (["backbone.pool=avg"], "TTFS: backbone must have no AvgPool2d; got features.pool1.0, .*; choose .* backbone.pool=max"),
        (["backbone.bias=true"], "TTFS: backbone must have no bias; got one in features.conv1.0; set backbone.bias=false"),
        (["backbone=convnet"], "TTFS: backbone must have no norm; got .*, but a norm moves spikes in time"),
        ([*CHAIN, "backbone.layers=[8,D,8]"], "TTFS: backbone must have no Dropout; got features.drop1, but it would scale"),
        (
            [*CHAIN, "backbone.layers=[8,P]"],
            "TTFS: backbone must have no SumPool; got features.pool1.0, but a sum of",
        ),
        (
            [*CHAIN, "backbone.layers=[8]", "backbone.votes=2"],
            "TTFS: backbone must have no VotingLayer; got classifier.vote, but",
        ),
    ],
)
def test_backbones_that_do_not_keep_single_spikes_are_rejected(overrides, message):
    run = composed(*(["method=ttfs"] if overrides[0] in ("backbone=convnet", "backbone=chain") else CNN), *overrides)
    with pytest.raises(ValueError, match=message):
        build_method({**run.config, "budget": {"width": 0.25}}, Facts())


def test_negative_pixels_are_rejected():
    with pytest.raises(ValueError, match=r"SpikePlanes: x must be in \[0, 1\]; got -0.5 to .*; set dataset.normalize=false"):
        build()(images() - 0.5)


@pytest.mark.parametrize("fire_at_end", ["false", "true"])
def test_with_steps_every_layer_equals_the_stepwise_simulation(fire_at_end):
    """Pixels, layers and the read-out fire at time steps, as the simulation of Eqs 2 to 5 does for the same inputs."""
    words = ["init=kaiming", "method.readout=spike_time", f"method.fire_at_end={fire_at_end}", "method.steps=60"]
    method = build(*words).eval()
    layers = [module for module in method.backbone.modules() if isinstance(module, nn.Linear)]
    inputs = {}
    for layer in layers:
        layer.register_forward_hook(lambda module, x, y: inputs.update({module: x[0]}))
    scores = method(images())
    pixels = method.encoding(images())[1]
    torch.testing.assert_close(pixels * 10, (pixels * 10).round())
    fired = [stepwise(layer.weight.detach(), times(inputs[layer]), 10, fire_at_end=fire_at_end == "true") for layer in layers]
    for here, following in zip(fired, layers[1:], strict=False):
        torch.testing.assert_close(times(inputs[following]).double(), here, equal_nan=True)
    torch.testing.assert_close(scores.double(), torch.where(fired[-1].isnan(), -2.0, -fired[-1]))


def test_with_steps_spikes_are_within_one_step_of_the_exact_ones():
    """Tested for the first layer, whose inputs are at time steps already; training stays exact."""
    exact, stepped = build("init=kaiming"), build("init=kaiming", "method.steps=600")
    pixels, found = (images() * 100).round() / 100, {}
    for kind, method in (("exact", exact), ("stepped", stepped)):
        method.eval()
        method.backbone.features.sn1.register_forward_hook(lambda module, x, y, kind=kind: found.update({kind: y}))
        found[f"{kind} scores"] = method(pixels)
    m, a = found["exact"]
    assert torch.equal(m, found["stepped"][0])
    late = (a - found["stepped"][1])[m > 0]
    assert late.min() > -1e-6
    assert 0 < late.max() < 0.01 + 1e-6
    assert 0 < (found["exact scores"] - found["stepped scores"]).abs().max() < 0.2
    assert torch.equal(stepped.train()(images()), exact(images())), "training is exact"


def test_steps_must_be_a_multiple_of_the_windows():
    assert build("method.steps=6").backbone.features.sn1.steps == 1
    assert build("method.steps=10", "method.input=direct").backbone.features.sn1.steps == 2
    for steps in (5, 7, 0):
        with pytest.raises(ValueError, match=f"TTFS: steps must be a multiple of 6, the number of windows .*; got {steps}"):
            build(f"method.steps={steps}")


def test_training_starts_from_the_weights_of_a_file(tmp_path):
    torch.save(build("init=kaiming").backbone.state_dict(), tmp_path / "ann.pt")
    dynamic, constant = (
        build(f"method.checkpoint={tmp_path}/ann.pt", f"method.threshold={kind}") for kind in ("dynamic", "constant")
    )
    first = build("init=kaiming").backbone
    assert torch.equal(dynamic.backbone.features.conv1[0].weight, first.features.conv1[0].weight)
    assert torch.equal(constant.backbone.features.conv1.layer.weight, first.features.conv1[0].weight)


def test_the_constant_threshold_trains_from_the_weights_of_an_mlp(tmp_path):
    """The file takes precedence over the recipe's init."""
    words = ["method=ttfs", "backbone=mlp", "backbone.bias=false"]
    mlp = build_method(composed(*words, "init=kaiming").config, Facts())
    torch.save(mlp.backbone.state_dict(), tmp_path / "mlp.pt")
    ours = composed(*words, f"method.checkpoint={tmp_path}/mlp.pt", "method.threshold=constant").config
    constant = build_method(ours | {"init": composed("init=kaiming").config["init"]}, Facts())
    assert torch.equal(constant.backbone.layers.fc1.layer.weight, mlp.backbone.layers.fc1[0].weight)
    assert constant(images()).shape == (3, 10)


RAMP = ["method.threshold=ramp", "method.readout=start_membrane"]


def test_a_ramp_fires_when_its_simulation_does():
    """Against potentials that are simulated in float64, in units of time: w scale_i / scale, and thresholds with the bias."""
    torch.manual_seed(0)
    weight, bias = torch.randn(5, 8).double(), torch.randn(5).double()
    scale_in, scale = 2.0, 3.0
    times = torch.rand(8).double()  # in the window [0, 1] of the layer before
    neuron = Ramp().double()
    neuron.scale.fill_(scale)
    y = scale_in * (1 - times)
    fired, value = neuron(torch.stack([weight.sum(1), weight @ y + bias])[:, None]).squeeze(1)
    step = 1e-4
    v, found = torch.zeros(5).double(), torch.full((5,), torch.nan).double()
    for number in range(20_000):
        now = number * step
        if now < 1:  # each spike adds its weight to the slope
            v += step * (weight * scale_in / scale) @ (times <= now).double()
        else:
            v += step
            crossed = (v >= 1 - bias / scale) & found.isnan()
            found[crossed] = now + step - 1
    assert torch.equal(fired == 1, ~found.isnan())
    assert 1 < fired.sum() < 5
    late = (found - (1 - value / scale))[fired == 1]
    assert late.abs().max() < 10 * step


@pytest.mark.parametrize("source", ["time", "direct"])
@pytest.mark.parametrize("bias", [False, True])
def test_spike_times_of_a_ramp_give_the_function_of_the_relu_network(source, bias):
    method = build(*RAMP, f"method.input={source}", f"backbone.bias={bias}", "init=kaiming").eval()
    relu = build(*RAMP, f"backbone.bias={bias}").backbone
    relu.load_state_dict(method.backbone.state_dict())
    for name, module in list(relu.named_modules()):
        if isinstance(module, DynamicThreshold):
            relu.set_submodule(name, nn.ReLU())
    x = images(20)
    method.convert(lambda: [x[:10], x[10:]])
    assert torch.equal(method(x), relu(x[None])[0]), "not a bit may differ"
    with Recorder(method.backbone, [SpikesPerNeuron()]) as method.recorder, torch.no_grad():
        method.recorder.labels = torch.arange(20)
        method(x)
        for module in method.backbone.modules():
            if isinstance(module, Ramp):
                seen = module.times[~module.times.isnan()]
                assert ((seen >= module.window) & (seen <= module.window + 1)).all()
                assert (seen == module.window).any(), "the largest activation fires first"


def test_steps_round_the_spikes_of_a_ramp():
    exact = build(*RAMP, "init=kaiming").eval()
    exact.convert(lambda: [images()])
    errors = []
    for steps in (60, 600, 6000):
        method = build(*RAMP, "init=kaiming", f"method.steps={steps}").eval()
        method.convert(lambda: [images()])
        errors.append(float((method(images()) - exact(images())).abs().max().detach()))
    assert errors[0] > 3 * errors[1] > 9 * errors[2] > 0, errors


@pytest.mark.parametrize("wrong", [["method.readout=end_membrane"], ["method.readout=start_membrane", "method.source=0.5"]])
def test_a_ramp_has_the_scores_of_its_relu_network(wrong):
    with pytest.raises(ValueError, match=r"^TTFS: threshold=ramp must have readout=start_membrane, whose scores .* source=0"):
        build("method.threshold=ramp", *wrong)


def test_a_layer_that_is_never_active_has_no_scale():
    method = build(*RAMP)
    with pytest.raises(ValueError, match=r"^Ramp: features.sn1 must be active on the calibration set; got a maximum of 0$"):
        method.convert(lambda: [torch.zeros(2, 1, 28, 28)])


def test_a_relu_network_is_trained_or_loaded_and_tested_in_spike_times(tmp_path):
    scnn = ["backbone=scnn", "backbone.kernel=3", "backbone.channels=[8]", "backbone.hidden=[32]", "backbone.pool=max"]
    words = ["method=ttfs", *RAMP, *scnn, "metric=spikes_per_neuron", "optimizer.lr=0.01", "budget.samples=1"]
    made, result = finished(tmp_path, *words, "trainer.max_epochs=3")
    metrics = result["metrics"]
    assert metrics["test/acc"] == metrics["test/ann_acc"] > 0.5
    assert metrics["test/conversion_loss"] == 0
    assert 0 < metrics["test/spikes_per_neuron"] < 1
    loaded = [*words, "trainer.max_epochs=0", f"method.checkpoint={made / 'ckpt' / 'last.ckpt'}"]
    _, again = finished(tmp_path, *loaded)
    assert again["metrics"]["test/acc"] == metrics["test/acc"]

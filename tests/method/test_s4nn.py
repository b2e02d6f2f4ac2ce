"""S4NN and BS4NN: the published loops, written down plainly; a sample by hand; targets, ties and silent neurons."""

import numpy as np
import pytest
import torch
from composing import composed
from pretended_gpu import CUDA, pretended_gpu
from torch import nn
from torch.utils.data import TensorDataset

from snnx.metric.recorder import Recorder
from snnx.metric.single_spike import SingleSpike
from snnx.metric.spikes_per_neuron import SpikesPerNeuron
from snnx.run.build import build_method
from snnx.spike_time.crossing import Crossing
from snnx.spike_time.earliest_or_strongest import EarliestOrStrongest
from snnx.spike_time.one_by_one import learn, learn_layers
from snnx.spike_time.relative_target import RelativeTarget
from snnx.spike_time.step_layer import StepLayer
from snnx.spike_time.step_planes import StepPlanes
from snnx.testing.random_images import CLASSES, SHAPE, RandomImages, evaluate, train

STEPS = 256
MLP = ["method=s4nn", "backbone=mlp", "backbone.hidden=[40]", "backbone.bias=false", "optimizer=sgd", "optimizer.momentum=0"]
BINARY = ["method.binary=true", "method.latest=255", "method.gamma=1", "method.gamma_silent=0"]


class Facts:
    shape, classes = SHAPE, CLASSES


def build(*overrides, words=MLP):
    torch.manual_seed(0)
    return build_method({**composed(*words, *overrides).config, "budget": {"width": 1.0}}, Facts())


def published(
    weights, images, labels, *, binary=False, lr=0.2, decay=1e-6, gamma=3, factors=(5.0, 5.0), factor_lr=0.01, level=100
):
    """The loop of `S4NN.py`, or of `BS4NN_mnist.ipynb`, over some samples: spike trains over 257 steps, as there.

    Returns weights, factors, and the spike times of the outputs.
    """
    weights, factors, answers = [w.copy() for w in weights], list(factors), []
    for image, label in zip(images, labels, strict=True):
        times = [image]
        for layer, w in enumerate(weights):
            spikes = np.zeros((len(times[-1]), STEPS + 1))
            spikes[np.arange(len(times[-1])), times[-1]] = 1
            threshold = level / factors[layer] if binary else level
            voltage = np.cumsum((np.sign(w) if binary else w) @ spikes, axis=1)
            voltage[:, STEPS] = threshold + 1
            times.append(np.minimum(np.argmax(voltage > threshold, axis=1) + 1, STEPS))
        out = times[-1]
        answers.append(out)
        if out.min() == STEPS:
            target = np.full(len(out), STEPS)
            target[label] = STEPS if binary else STEPS - gamma
        else:
            target = out.copy()
            target[out - out.min() < gamma] = min(out.min() + gamma, STEPS)
            target[label] = out.min()
        delta = (target - out) / STEPS
        for layer in (1, 0):
            norm = np.linalg.norm(delta)
            delta = delta / norm if norm else delta
            before = times[layer] < times[layer + 1][:, None]
            weights[layer] -= lr * delta[:, None] * before
            if not binary:
                weights[layer] -= lr * decay * weights[layer]
            else:
                factors[layer] -= (factor_lr * delta[:, None] * before * np.sign(weights[layer])).mean()
            delta = (delta[:, None] * before * weights[layer]).sum(0)
    return weights, factors, np.stack(answers)


def task(seed=0, samples=40, inputs=60, hidden=30, classes=4):
    random = np.random.default_rng(seed)
    weights = [random.uniform(0, 8, (hidden, inputs)), random.uniform(-5, 30, (classes, hidden))]
    grey = random.integers(0, 256, (samples, inputs)) * (random.random((samples, inputs)) < 0.6)
    return weights, grey, random.integers(classes, size=samples)


@pytest.mark.parametrize("gamma", [1, 3])
def test_s4nn_s_weights_are_the_published_ones_after_each_sample(gamma):
    weights, grey, labels = task()
    times = np.floor((255 - grey) * 256 / 255).astype(np.int32)
    theirs, _, answers = published(weights, times, labels, gamma=gamma)
    ours = [w.copy() for w in weights]
    found, _ = learn(
        ours, np.empty(0), times, labels, threshold=100, steps=STEPS, gamma=gamma, gamma_silent=gamma, lr=0.2, decay=1e-6,
        factor_lr=0.0,
    )  # fmt: skip
    assert np.array_equal(found[-1], answers)
    assert len(np.unique(answers)) > 5
    for mine, other, start in zip(ours, theirs, weights, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-11)
        assert np.abs(mine - start).max() > 0.1


def test_only_the_order_of_the_inputs_decides():
    """A spike leaves a neuron one step after one of its inputs, so other times in the same order give the same class."""
    random = np.random.default_rng(0)
    weights, labels = [random.uniform(-2, 6, (30, 8)), random.uniform(-2, 6, (4, 30))], np.zeros(200, np.int64)
    order = np.argsort(random.random((200, 8)), 1)
    early, late = order, np.sort(random.permuted(np.tile(np.arange(STEPS - 2), (200, 1)), axis=1)[:, :8], 1)
    classes = []
    for times in (early, np.take_along_axis(late, order, 1)):
        found, potentials = learn(
            [w.copy() for w in weights], np.empty(0), times.astype(np.int32), labels, threshold=8, steps=STEPS, gamma=3,
            gamma_silent=3, lr=0.0, decay=0.0, factor_lr=0.0,
        )  # fmt: skip
        classes.append(np.lexsort((-potentials, found[-1]), 1)[:, 0])
    assert np.array_equal(*classes)
    assert len(np.unique(classes[0])) > 2


def decayed(weights, *, samples, decay, batch=1000, dtype=np.float64):
    """These weights after samples in which no input fires, so that only the decay changes them."""
    ours = [w.astype(dtype) for w in weights]
    times = np.full((batch, weights[0].shape[1]), STEPS, dtype=np.int32)
    for _ in range(samples // batch):
        learn(
            ours, np.empty(0), times, np.zeros(batch, np.int64), threshold=100, steps=STEPS, gamma=3, gamma_silent=3, lr=0.2,
            decay=decay, factor_lr=0.0,
        )  # fmt: skip
    return ours


@pytest.mark.parametrize(("decay", "samples", "dtype"), [(1e-6, 200_000, np.float32), (1.0, 50, np.float64)])
def test_the_decay_of_many_samples_is_not_rounded(decay, samples, dtype):
    """The published decay of a sample, 2e-7 of a weight, is two to three spacings of float32, to which it would be rounded."""
    weights, *_ = task(inputs=20, hidden=10)
    for mine, start in zip(decayed(weights, samples=samples, decay=decay, batch=50, dtype=dtype), weights, strict=True):
        np.testing.assert_allclose(mine, start * (1 - 0.2 * decay) ** samples, rtol=2e-5 if dtype is np.float32 else 1e-12)


def test_bs4nn_s_weights_and_factors_are_the_published_ones_after_each_sample():
    """In its code a black pixel fires at 255, so it counts as earlier than a silent neuron."""
    weights, grey, labels = task(inputs=120)
    weights = [weights[0] - 4, weights[1] - 8]
    times = (255 - grey).astype(np.int32)
    theirs, factors, answers = published(weights, times, labels, binary=True, lr=0.1, gamma=1, level=20)
    ours, mine = [w.copy() for w in weights], np.array([5.0, 5.0])
    found, _ = learn(
        ours, mine, times, labels, threshold=20, steps=STEPS, gamma=1, gamma_silent=0, lr=0.1, decay=0.0, factor_lr=0.01
    )
    assert np.array_equal(found[-1], answers)
    assert len(np.unique(answers)) > 1
    assert (found[0] == STEPS).any(), "some hidden neurons are silent"
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)
    np.testing.assert_allclose(mine, factors, rtol=0, atol=1e-12)
    assert abs(mine - 5).max() > 1e-4


def test_s4nn_s_update_of_a_sample_by_hand():
    """Two inputs at steps 0 and 10, two hidden neurons, two outputs, threshold 1, and label 1.

    Hidden: the first crosses with input 0 (t = 1), the second with both (t = 11). Outputs: the first crosses with hidden neuron
    0 (t = 2), the second with both (t = 12). The label is late: its target is 2, and the other's is 2 + 3 = 5.
    e = (5 - 2, 2 - 12)/20, divided by its norm: (3, -10)/sqrt(109).
    """
    weights = [np.array([[2.0, 0.0], [0.5, 1.0]]), np.array([[2.0, 0.0], [0.5, 1.0]])]
    found, _ = learn(
        weights, np.empty(0), np.array([[0, 10]], dtype=np.int32), np.array([1]), threshold=1, steps=20, gamma=3,
        gamma_silent=3, lr=0.5, decay=0.0, factor_lr=0.0,
    )  # fmt: skip
    assert [layer.tolist() for layer in found] == [[[1, 11]], [[2, 12]]]
    e = np.array([3.0, -10.0]) / np.sqrt(109)
    second = np.array([[2 - 0.5 * e[0], 0.0], [0.5 - 0.5 * e[1], 1 - 0.5 * e[1]]])  # hidden neuron 1 fired after output 0
    np.testing.assert_allclose(weights[1], second)
    before = np.array([e[0] * second[0, 0] + e[1] * second[1, 0], e[1] * second[1, 1]])
    before /= np.linalg.norm(before)
    np.testing.assert_allclose(weights[0], [[2 - 0.5 * before[0], 0.0], [0.5 - 0.5 * before[1], 1 - 0.5 * before[1]]])


@pytest.mark.parametrize("binary", [False, True])
def test_training_one_by_one_is_the_published_loop_over_the_batches(binary):
    """In a run, from images to weights, with the learning rate and the decay of the optimizer."""
    decay = 0 if binary else 1e-6
    words = ["method.one_by_one=true", f"optimizer.weight_decay={decay}", "optimizer.lr=0.1", "scheduler=constant"]
    method = build(*words, *(BINARY if binary else []), "method.initial=[16,40]").double()
    start = [layer.layer.weight.detach().numpy().copy() for layer in method._layers]
    data = RandomImages(dtype=torch.float64)
    train(method, data)
    images, labels = data.samples.tensors
    last = 255 if binary else 256
    times = np.floor(last * (1 - images.flatten(1).numpy()) + 1e-3).astype(np.int32)
    options = {"binary": True, "gamma": 1} if binary else {}
    theirs, factors, _ = published(start, times, labels.numpy(), lr=0.1, **options)
    if binary:
        np.testing.assert_allclose([layer.factor.item() for layer in method._layers], factors, atol=1e-12)
    for layer, expected, before in zip(method._layers, theirs, start, strict=True):
        np.testing.assert_allclose(layer.layer.weight.detach().numpy(), expected, rtol=0, atol=1e-11)
        assert np.abs(expected - before).max() > 1e-3


def test_the_gradient_of_a_batch_is_the_mean_of_the_published_updates():
    """For one layer: no other weights have changed before, so that the two rules are the same."""
    random = np.random.default_rng(0)
    w, grey = random.uniform(0, 6, (5, 40)), random.integers(0, 256, (8, 40))
    times, labels = np.floor((255 - grey) * 256 / 255).astype(np.int32), random.integers(5, size=8)
    weight = torch.from_numpy(w).requires_grad_()
    a = Crossing.apply(weight, 1 - torch.from_numpy(times).double() / STEPS, None, 100.0, STEPS)
    RelativeTarget(steps=STEPS, gamma=3, gamma_silent=3)(torch.stack([a, a]), torch.from_numpy(labels)).backward()
    total = np.zeros_like(w)
    for one, label in zip(times, labels, strict=True):
        changed = w.copy()
        learn(
            [changed], np.empty(0), one[None], label[None], threshold=100, steps=STEPS, gamma=3, gamma_silent=3, lr=1.0,
            decay=0.0, factor_lr=0.0,
        )  # fmt: skip
        total += w - changed
    assert np.abs(total).max() > 0.1
    np.testing.assert_allclose(weight.grad.numpy(), total / 8, atol=1e-12)


def test_the_gradient_of_a_factor_is_the_published_one():
    random = np.random.default_rng(1)
    w, times = random.uniform(-1, 2, (5, 40)), random.integers(0, 256, (1, 40)).astype(np.int32)
    weight, factor = torch.from_numpy(w).requires_grad_(), torch.tensor(20.0, dtype=torch.float64, requires_grad=True)
    a = Crossing.apply(weight, 1 - torch.from_numpy(times).double() / STEPS, factor, 100.0, STEPS)
    RelativeTarget(steps=STEPS, gamma=1, gamma_silent=0)(torch.stack([a, a]), torch.tensor([2])).backward()
    changed, factors = w.copy(), np.array([20.0])
    learn(
        [changed], factors, times, np.array([2]), threshold=100, steps=STEPS, gamma=1, gamma_silent=0, lr=1e-12, decay=0.0,
        factor_lr=1.0,
    )  # fmt: skip
    assert factor.grad.item() == pytest.approx(20.0 - factors[0])
    assert factor.grad.item() != 0


def test_spike_times_of_both_forms_are_the_same():
    weights, grey, labels = task()
    times = np.floor((255 - grey) * 256 / 255).astype(np.int32)
    a = 1 - torch.from_numpy(times).double() / STEPS
    for w in weights:
        a = Crossing.apply(torch.from_numpy(w), a, None, 100.0, STEPS)
    _, _, answers = published(weights, times[:1], labels[:1])
    assert np.array_equal((STEPS * (1 - a[:1])).numpy(), answers)


def test_input_times_are_those_of_the_two_codes():
    grey = torch.arange(256)
    x = grey.div(255).view(1, 1, 1, -1)
    for latest, expected in ((256, torch.div((255 - grey) * 256, 255, rounding_mode="floor")), (255, 255 - grey)):
        m, a = StepPlanes(in_channels=1, steps=256, latest=latest)(x)
        assert torch.equal((256 * (1 - a)).flatten().long(), expected)
        assert m.flatten().tolist() == (expected < 256).tolist()


def test_targets_move_rivals_away_and_wake_a_silent_output():
    rule = RelativeTarget(steps=100, gamma=3, gamma_silent=3)
    times = torch.tensor([[10.0, 12.0, 13.0], [10.0, 12.0, 13.0], [98.0, 99.0, 100.0], [100.0, 100.0, 100.0]])
    found = rule.targets(times, torch.tensor([0, 2, 0, 1]))
    assert found.tolist() == [[10, 13, 13], [13, 13, 10], [98, 100, 100], [100, 97, 100]]
    with pytest.raises(ValueError, match="RelativeTarget: labels must be whole numbers, one for each sample; got"):
        rule.targets(times, torch.rand(4, 3))


def test_a_tie_is_decided_by_the_potential_and_counts_as_right_in_acc_ties():
    """Three samples with label 0: alone first, a tie that class 1 wins by its potential, and class 1 first."""
    method = build()
    outputs = torch.zeros(3, 3, CLASSES)
    times = torch.tensor([[5.0, 6, 9], [5, 5, 9], [7, 5, 9]])
    outputs[0], outputs[1], outputs[2] = 1, 1 - times / STEPS, torch.tensor([3.0, 8.0, 1.0])
    method.run = lambda images: (outputs, method.decoding(outputs))
    method.on_test_epoch_start()
    found = method.test_step((torch.rand(3, *SHAPE), torch.zeros(3, dtype=torch.long)), 0)
    assert found["test/acc"].tolist() == [True, False, False]
    assert found["test/acc_ties"].tolist() == [True, True, False]
    outputs[1] = 0.5  # all classes fire at once: the label is always among the first
    found = method.test_step((torch.rand(3, *SHAPE), torch.tensor([0, 1, 2])), 0)
    assert found["test/acc"].tolist() == [False, True, False]
    assert found["test/acc_ties"].tolist() == [True, True, True]
    outputs[1] = 0  # no output fires: the potential decides, in both
    found = method.test_step((torch.rand(3, *SHAPE), torch.tensor([0, 1, 2])), 0)
    assert found["test/acc"].tolist() == found["test/acc_ties"].tolist() == [False, True, False]


def test_the_test_logs_both_accuracies():
    method = build()
    found = evaluate(train(method, RandomImages()), method, RandomImages())
    assert found["test/acc"] <= found["test/acc_ties"] <= 1


def test_potentials_decide_at_the_step_of_the_first_spike():
    weights = torch.tensor([[3.0, 4.0], [9.0, -8.0]])
    layer = StepLayer(nn.Linear(2, 2, bias=False), threshold=5.0, steps=10, outputs=True)
    layer.layer.weight.data = weights
    t = torch.tensor([[2.0, 6.0]])
    m, a, v = layer(torch.stack([torch.ones(1, 2), 1 - t / 10]))
    assert (10 * (1 - a)).round().tolist() == [[7, 3]]
    assert v.tolist() == [[3, 9]], "at step 2, at which output 1 crosses"
    assert EarliestOrStrongest(steps=10)(torch.stack([m, a, v])).argmax().item() == 1
    layer.threshold = 50.0
    _, a, v = layer(torch.stack([torch.ones(1, 2), 1 - t / 10]))
    assert a.tolist() == [[0, 0]]
    assert v.tolist() == [[7, 1]], "at step 10 - 3"


def test_silent_neurons_get_new_weights_before_the_next_epoch():
    method = build("method.one_by_one=true", "optimizer.lr=1e-9", "method.initial=[16,40]", "method.redraw=0.5")
    layer = method._layers[0]
    with torch.no_grad():
        layer.layer.weight[:10] = -1.0
    kept = layer.layer.weight.detach().clone()
    train(method, RandomImages())
    assert layer.seen == 8, "the counts of the last epoch are in the checkpoint"
    assert (layer.fired[:10] == 0).all()
    assert (layer.fired[10:] == 8).all()
    method.on_train_epoch_start()
    weight = layer.layer.weight
    assert (weight[:10] >= 0).all()
    assert 8 < weight[:10].max() <= 16
    assert torch.allclose(weight[10:], kept[10:], atol=1e-6)
    assert layer.seen == 0
    again = weight.detach().clone()
    method.on_train_epoch_start()
    assert torch.equal(again, layer.layer.weight), "without samples nobody is silent"


@pytest.mark.parametrize("words", [["optimizer.lr=2"], ["method.one_by_one=true"], ["method.one_by_one=true", *BINARY]])
def test_it_learns_and_every_neuron_fires_at_most_once(words):
    """Each class has its bright stripe in a noisy image."""
    method = build("method.initial=[16,40]", "optimizer.lr=0.3", "scheduler=constant", "optimizer.weight_decay=0", *words)
    images, labels = 0.4 * torch.rand(60, *SHAPE), torch.arange(60) % CLASSES
    for image, label in zip(images, labels, strict=True):
        image[0, 2 * label : 2 * label + 2] += 0.5
    data = RandomImages()
    data.samples = TensorDataset(images, labels)
    train(method, data, epochs=15)
    with Recorder(method.backbone, [SpikesPerNeuron(), SingleSpike()]) as recorder:
        scores = method.eval()(images)
        recorder.end_batch(torch.ones(len(images), dtype=torch.bool))
    assert (scores.argmax(1) == labels).float().mean() > 0.6  # chance is a third
    assert recorder.scalars()["test/spikes_of_busiest"] == 1
    assert 0.3 < recorder.scalars()["test/spikes_per_neuron"] <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backbone=scnn", "backbone.pool=max", "backbone.kernel=3", "backbone.channels=[4]"],
         "S4NN: backbone must have linear layers only; got features.conv1.0; choose backbone=mlp"),
        (["backbone.bias=true"], "S4NN: backbone must have no bias"),
        (["method.threshold=0"], "S4NN: threshold must be positive; got 0"),
        (["method.factor_lr=-1"], "S4NN: factor_lr must be at least 0; got -1"),
        (["method.factor=-1"], "S4NN: factor must be positive; got -1"),
        (["method.gamma=256"], "S4NN: gamma must be from 0 to steps - 1; got 256"),
        (["method.gamma_silent=-1"], "S4NN: gamma_silent must be from 0 to steps - 1; got -1"),
        (["method.initial=[5]"], r"S4NN: initial must be two positive bounds, such as \[5, 48\]; got \[5\]"),
        (["method.redraw=1"], "S4NN: redraw must be a share of the samples in .*; got 1"),
        (["method.steps=3", "method.gamma=1", "method.gamma_silent=1"], "StepPlanes: steps must be at least 4; got 3"),
        (["method.latest=300"], "StepPlanes: latest must be from 1 to steps = 256; got 300"),
    ],
)  # fmt: skip
def test_what_is_refused(words, message):
    words = [*MLP[:1], *words, *MLP[3:]] if words[0].startswith("backbone=") else [*MLP, *words]
    with pytest.raises(ValueError, match=message):
        build(words=words)


@pytest.mark.parametrize("words", [["optimizer=adam"], ["optimizer=sgd", "optimizer.momentum=0.9"]])
def test_one_by_one_needs_plain_gradient_descent(words):
    method = build("method.one_by_one=true", words=[*MLP[:4], *words])
    with pytest.raises(ValueError, match="S4NN: optimizer must be SGD without momentum if one_by_one; got"):
        train(method, RandomImages())


def test_a_decay_that_would_change_signs_is_refused():
    method = build("method.one_by_one=true", "optimizer.lr=2", "optimizer.weight_decay=0.5")
    with pytest.raises(
        ValueError, match=r"^S4NN: optimizer.lr \* optimizer.weight_decay must be below 1 .*; got 2 \* 0.5; lower"
    ):
        train(method, RandomImages())


@pytest.mark.parametrize("one_by_one", [False, True])
def test_labels_of_mixup_are_refused_before_anything_changes(one_by_one):
    method = build(f"method.one_by_one={one_by_one}", "scheduler=constant")
    before = [layer.layer.weight.detach().clone() for layer in method._layers]
    data = RandomImages()
    images, labels = data.samples.tensors
    data.samples = TensorDataset(images, nn.functional.one_hot(labels, CLASSES).float())
    with pytest.raises(ValueError, match="RelativeTarget: labels must be whole numbers, one for each sample; got"):
        train(method, data)
    for weight, layer in zip(before, method._layers, strict=True):
        assert torch.equal(weight, layer.layer.weight)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is not pretended where there is one")
@pytest.mark.parametrize("words", [[], BINARY])
def test_training_one_by_one_takes_weights_from_a_gpu_and_puts_them_back(words):
    with pretended_gpu():
        layers = build("method.one_by_one=true", "method.initial=[16,40]", *words).to(CUDA)._layers
        before = [layer.layer.weight.detach().clone() for layer in layers]
        activation = 1 - torch.randint(STEPS, (4, 64)).to(CUDA) / STEPS
        outputs = learn_layers(
            layers, activation, torch.arange(4).to(CUDA) % CLASSES, gamma=3, gamma_silent=3, lr=0.1, decay=0.0, factor_lr=0.01
        )
        assert outputs.is_cuda
        for layer, weight in zip(layers, before, strict=True):
            assert layer.layer.weight.is_cuda
            assert layer.fired.is_cuda
            assert not layer.layer.weight.equal(weight)
            assert layer.seen == 4


def test_several_processes_are_refused():
    method = build("method.one_by_one=true")

    class Two:
        world_size = 2

    method._trainer = Two()
    with pytest.raises(ValueError, match=r"S4NN: trainer\.devices must be 1 with one_by_one or redraw"):
        method.on_train_start()

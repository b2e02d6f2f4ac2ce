"""Golden: the published generator, written down once more; property: the classes of points found by other means."""

import math

import numpy as np
import pytest
import torch

from snnx.augmentation.none import none
from snnx.dataset.yin_yang import DOT, PARTS, YANG, YIN, YinYang, class_of, draw


def build(**further):
    return YinYang(**{"batch_size": 20, "normalize": False, "augmentation": none, "seed": 0, **further})


def published(size, seed):
    """The steps of the publisher's code: the class first, then points until one is in the circle and has this class."""
    random, rows, labels = np.random.RandomState(seed), [], []
    for _ in range(size):
        wanted = random.randint(3)
        while True:
            x, y = random.rand(2)
            if math.sqrt((x - 0.5) ** 2 + (y - 0.5) ** 2) > 0.5:
                continue
            d_right, d_left = math.sqrt((x - 0.75) ** 2 + (y - 0.5) ** 2), math.sqrt((x - 0.25) ** 2 + (y - 0.5) ** 2)
            second = d_right <= 0.1 or (d_left > 0.1 and d_left <= 0.25) or (y > 0.5 and d_right > 0.25)
            found = 2 if d_right < 0.1 or d_left < 0.1 else int(second)
            if found == wanted:
                break
        rows.append([x, y, 1 - x, 1 - y])
        labels.append(found)
    return np.array(rows), np.array(labels)


def test_points_are_those_of_the_published_generator():
    for size, seed in ((300, 42), (300, 40)):
        points, classes = draw(size, seed)
        rows, labels = published(size, seed)
        assert np.array_equal(points, rows[:, :2])
        assert np.array_equal(classes, labels)


def test_the_parts_have_the_published_sizes_and_seeds():
    assert PARTS == {"train": (5000, 42), "val": (1000, 41), "test": (1000, 40)}
    assert build().read()["train"][1][:5].tolist() == [2, 1, 2, 1, 1]
    assert [build().read()[part][1].bincount().tolist() for part in PARTS] == [
        [1681, 1702, 1617], [316, 336, 348], [350, 316, 334],
    ]  # fmt: skip


def test_the_network_sees_x_y_and_what_is_left_of_1():
    data = build()
    data.setup()
    (images, labels), *_ = data.test_dataloader()
    pixels, same = data.on_after_batch_transfer((images, labels), 0)
    points, classes = draw(20, 40)
    assert pixels.shape == (20, 1, 1, 4)
    exact = torch.from_numpy(np.concatenate([points, 1 - points], 1))
    assert (pixels.view(20, 4) - exact).abs().max() < 8e-6
    assert same.tolist() == classes.tolist()


@pytest.mark.parametrize(
    ("x", "y", "kind"),
    [
        (0.25, 0.5, DOT), (0.75, 0.5, DOT), (0.84, 0.5, DOT), (0.5, 0.95, YANG), (0.5, 0.05, YIN),
        (0.25, 0.35, YANG), (0.25, 0.2, YIN), (0.75, 0.65, YIN), (0.75, 0.8, YANG), (0.99, 0.5, YIN),
    ],
)  # fmt: skip
def test_classes_of_points_that_can_be_seen_in_a_drawing(x, y, kind):
    assert class_of(x, y) == kind


def test_turning_the_sign_by_half_a_turn_exchanges_yin_and_yang():
    points, classes = draw(500, 0)
    swapped = {YIN: YANG, YANG: YIN, DOT: DOT}
    assert [class_of(1 - x, 1 - y) for x, y in points.tolist()] == [swapped[int(kind)] for kind in classes]


def test_mean_and_deviation_are_those_of_the_training_points():
    points, _ = draw(*PARTS["train"])
    values = np.concatenate([points, 1 - points])
    assert (values.mean().round(4), values.std().round(4)) == (build().mean[0], build().std[0])


def test_the_order_of_the_inputs_tells_the_class_of_two_samples_in_three():
    """S4NN knows only the order of its inputs. The most frequent class of each order is right for 66 % of the points."""
    (train, classes), (test, labels) = draw(*PARTS["train"]), draw(*PARTS["test"])
    orders = [np.argsort(np.concatenate([points, 1 - points], 1), 1) @ (1, 4, 16, 64) for points in (train, test)]
    most = {order: np.bincount(classes[orders[0] == order]).argmax() for order in np.unique(orders[0])}
    assert len(most) == 8  # cut by the lines x = 1/2, y = 1/2, x = y and x = 1 - y
    assert np.mean([most[order] for order in orders[1]] == labels).round(3) == 0.661

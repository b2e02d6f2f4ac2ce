"""Property: prefixes are class-balanced; golden: the order does not drift between machines."""

import numpy as np
import pytest
import torch
from composing import composed
from hypothesis import given
from hypothesis import strategies as st

from snnx.dataset.split import balanced_order, fingerprint
from snnx.run.build import build_data

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(torch.tensor)


@given(labels=LABELS, seed=st.integers(0, 3))
def test_is_a_permutation_that_the_seed_decides(labels, seed):
    order = balanced_order(labels, seed)
    assert torch.equal(order.sort().values, torch.arange(len(labels)))
    assert torch.equal(order, balanced_order(labels, seed))


@given(labels=LABELS, seed=st.integers(0, 3))
def test_every_prefix_and_every_rest_is_balanced(labels, seed):
    """n_c t samples of class c lie below position t, give or take 1/2; t is k/n, give or take classes/(2n)."""
    order = balanced_order(labels, seed)
    sizes = labels.bincount()
    share = sizes / len(labels)
    bound = 0.5 + 0.5 * (sizes > 0).sum() * share + 1e-6
    for k in range(len(labels) + 1):
        assert ((labels[order[:k]].bincount(minlength=len(sizes)) - k * share).abs() <= bound).all()


def test_seeds_shuffle_within_and_between_classes():
    labels = torch.arange(10).repeat(50)
    first, second = balanced_order(labels, 0), balanced_order(labels, 1)
    assert not torch.equal(first, second)
    assert not torch.equal(labels[first], labels[second])


def test_the_split_of_today_is_the_split_of_tomorrow():
    assert fingerprint([balanced_order(torch.arange(10).repeat(50), 0)]) == "b387df5fa1f2"


def test_fingerprint_tells_where_one_part_ends():
    a, b, c = (torch.tensor(x) for x in ([0, 1], [2], [0]))
    assert fingerprint([a, b]) != fingerprint([c, torch.tensor([1, 2])])
    assert fingerprint([a, b]) == fingerprint([a.int(), b.int()])


def test_a_class_that_is_tested_but_not_trained_is_an_error(tmp_path, write_idx):
    """As of a copy in which the recordings of a class were unpacked for the test part only."""
    for part, labels in (("train", [0, 1, 2]), ("t10k", [0, 1, 2, 7, 7, 9])):
        write_idx(tmp_path / f"MNIST/raw/{part}-images-idx3-ubyte", np.zeros((len(labels), 28, 28)))
        write_idx(tmp_path / f"MNIST/raw/{part}-labels-idx1-ubyte", np.array(labels))
    message = (
        r"^MNIST: train must have samples of every class in test; got none of class 7, of which test has 2, and 1 more such "
        r"classes: copy or unpack the data set again$"
    )
    with pytest.raises(ValueError, match=message):
        build_data(composed("dataset=mnist", f"dataset.root='{tmp_path}'").config).setup()


def test_fewer_test_samples_are_the_first_of_the_balanced_order_and_change_no_other_part():
    whole, fifth = (build_data(composed(*asked).config) for asked in ([], ["budget.test_samples=0.2"]))
    whole.setup(), fifth.setup()
    assert fifth.split_counts == {**whole.split_counts, "test": 59}  # of 297
    assert fifth.part_hash["train"] == whole.part_hash["train"]
    order = balanced_order(whole._parts["test"][1], whole.split_seed)
    assert fifth.test_index.tolist() == sorted(whole.test_index[order[:59]].tolist())


def test_more_test_samples_than_there_are_is_refused():
    with pytest.raises(ValueError, match=r"budget\.test_samples must lie in \(0, 1\]; got 2"):
        build_data(composed("budget.test_samples=2").config)


def test_a_part_keeps_as_many_samples_as_there_are_classes():
    """Two per cent of the digits would be 3 validation and 6 test samples; now each part has every class once."""
    data = build_data(composed("scale=smoke").config)
    data.setup()
    assert data.split_counts == {"train": 27, "val": 10, "test": 10}
    assert all(sorted(data._parts[part][1].tolist()) == list(range(10)) for part in ("val", "test"))
    without = build_data(composed("scale=smoke", "dataset.validation=0").config)
    without.setup()
    assert without.split_counts == {"train": 30, "val": 0, "test": 10}

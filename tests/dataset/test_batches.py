"""Property: every sample once, in the order asked for, as often as one iterates."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snnx.dataset.batches import Batches


@given(samples=st.integers(1, 40), batch_size=st.integers(1, 12), shuffle=st.booleans())
def test_every_sample_once_and_len_tells_the_truth(samples, batch_size, shuffle):
    order = (lambda: torch.randperm(samples)) if shuffle else None
    labels = torch.arange(samples)
    batches = Batches(labels.view(-1, 1, 1, 1), labels, batch_size=batch_size, order=order)
    for _ in range(2):
        found = list(batches)
        assert len(found) == len(batches)
        assert all(torch.equal(images.flatten(), label) for images, label in found)
        seen = torch.cat([label for _, label in found])
        assert torch.equal(seen.sort().values, labels)
        assert shuffle or torch.equal(seen, labels)


@pytest.mark.parametrize(
    ("samples", "batch_size", "sizes"), [(9, 4, [4, 4]), (8, 4, [4, 4]), (6, 4, [4, 2]), (1, 4, [1]), (3, 1, [1, 1, 1])]
)
def test_only_a_last_single_sample_is_dropped(samples, batch_size, sizes):
    batches = Batches(torch.zeros(samples, 1), torch.zeros(samples), batch_size=batch_size, drop_single=True)
    assert [len(labels) for _, labels in batches] == sizes
    assert len(batches) == len(sizes)


def test_the_order_is_asked_for_when_an_iteration_starts():
    orders = iter([torch.tensor([1, 0]), torch.tensor([0, 1])])
    batches = Batches(torch.zeros(2, 1), torch.arange(2), batch_size=2, order=lambda: next(orders))
    iter(batches)
    assert [next(iter(batches))[1].tolist() for _ in range(2)] == [[1, 0], [0, 1]]

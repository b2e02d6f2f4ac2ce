"""The rule of verdicts on hand-made bits, with numbers that a reader can recompute."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnx.report.data.compare import compare
from snnx.report.data.side import Measured, Number

LEFT = np.array([[1, 1, 1, 0], [1, 1, 1, 1]])  # accuracy 3/4 and 1
RIGHT = np.array([[1, 0, 0, 1], [1, 1, 0, 0]])  # 1/2 and 1/2


def row(correct: np.ndarray, split: str = "test", clusters: list[int] | None = None) -> Measured:
    values = tuple(float(value) for value in correct.mean(1))
    return Measured(values, correct, split, None if clusters is None else np.array(clusters))


def test_two_rows_on_the_same_samples():
    """Means over seeds: 1, 1, 1, 1/2 and 1, 1/2, 0, 1/2. Differences 0, 1/2, 1, 0: mean 3/8, sum of squares 11/16."""
    found = compare(row(LEFT), row(RIGHT))
    assert found.mean == 3 / 8
    assert found.seeds == ((1 / 32 / 2, 1), (0.0, 1))  # 3/4 and 1 have the variance 1/32
    assert found.samples == (pytest.approx((11 / 16 / 3 / 4, 3)),)
    # Over the seeds, only sample 3 of the left and samples 1 and 3 of the right vary, each with variance 1/2.
    assert found.overlap == pytest.approx(3 * (1 / 2) / 2 / 4 / 4)
    assert found.se**2 == pytest.approx(11 / 192)  # 1/64 + 11/192 - 3/64 is less than the variance between samples alone
    assert found.dof == pytest.approx((11 / 192) ** 2 / ((1 / 64) ** 2 + (11 / 192) ** 2 / 3))
    assert found.discordant == 2


def test_seeds_that_spread_widen_the_interval():
    """If every sample of a seed is right or none, the variance between seeds counts in full."""
    left, right = np.array([[1] * 8, [0] * 8]), np.zeros((2, 8), dtype=int)
    found = compare(row(left), row(right))
    assert found.seeds[0] == (1 / 2 / 2, 1)
    assert found.samples[0][0] == 0
    assert found.overlap == pytest.approx(8 * (1 / 2) / 2 / 8 / 8)
    assert found.se**2 == pytest.approx(1 / 4 - 1 / 32)


def test_clusters_count_as_one_sample_each():
    """Twice the same samples, in clusters of two, are no more evidence than the samples once."""
    once = compare(row(LEFT), row(RIGHT))
    pairs = [0, 0, 1, 1, 2, 2, 3, 3]
    twice = compare(row(LEFT.repeat(2, 1), clusters=pairs), row(RIGHT.repeat(2, 1), clusters=pairs))
    assert twice.samples == (pytest.approx(once.samples[0]),)
    assert twice.overlap == pytest.approx(once.overlap)
    assert twice.half_width == pytest.approx(once.half_width)


def test_rows_on_different_samples_add_their_variances():
    """Of 1, 1, 1, 1/2: variance 1/16; of 1, 1/2, 0, 1/2: variance 1/6."""
    found = compare(row(LEFT, "one"), row(RIGHT, "another"))
    assert found.samples == (pytest.approx((1 / 16 / 4, 3)), pytest.approx((1 / 6 / 4, 3)))
    assert found.discordant is None


def test_a_cited_accuracy_has_the_error_of_its_own_seeds_and_test_set():
    found = compare(row(LEFT), Number(0.8, std=0.02, n=4, test_samples=100))
    assert found.mean == pytest.approx(7 / 8 - 0.8)
    assert found.cited == pytest.approx(0.02**2 / 4 + 0.8 * 0.2 / 100)
    assert found.samples == (pytest.approx((1 / 16 / 4, 3)),)
    assert found.overlap == pytest.approx((1 / 2) / 2 / 16)
    assert compare(row(LEFT), Number(0.8)).cited == 0


def test_without_samples_one_by_one_the_binomial_error_is_the_least():
    """Seeds that agree to the last digit: 1.645 sqrt(0.9 0.1 / 600 + 0.8 0.2 / 600) = 0.0336."""
    found = compare(Measured((0.9, 0.9), samples=300), Measured((0.8, 0.8), samples=300))
    assert found.se == 0
    assert found.half_width == pytest.approx(1.6449 * (0.25 / 600) ** 0.5, rel=1e-4)
    assert 0 < found.p_differs() < 1e-5
    latency = compare(Measured((3.0, 3.0)), Measured((2.0, 2.0)))
    assert (latency.half_width, latency.p_differs()) == (0, 0)


def test_one_seed_is_no_evidence():
    assert compare(row(LEFT[:1]), row(RIGHT)) is None
    assert compare(Measured((0.5,)), Number(0.4)) is None


@given(seed=st.integers(0, 10_000), n=st.integers(2, 5), samples=st.integers(8, 60))
def test_the_order_of_sides_seeds_and_samples_does_not_matter(seed, n, samples):
    draw = np.random.default_rng(seed)
    left, right = ((draw.random((n, samples)) < rate).astype(int) for rate in (0.8, 0.6))
    found = compare(row(left), row(right))
    swapped = compare(row(right), row(left))
    order, turn = draw.permutation(samples), draw.permutation(n)
    mixed = compare(row(left[turn][:, order]), row(right[:, order]))
    assert swapped.mean == pytest.approx(-found.mean)
    for other in (swapped, mixed):
        assert other.half_width == pytest.approx(found.half_width)
        assert other.p_differs() == pytest.approx(found.p_differs())
    assert 0 <= found.p_differs() <= 1


@given(seed=st.integers(0, 10_000), margin=st.floats(0.001, 0.5))
def test_an_interval_inside_the_margin_has_a_small_p_and_one_outside_too(seed, margin):
    draw = np.random.default_rng(seed)
    found = compare(row((draw.random((3, 200)) < 0.9).astype(int)), row((draw.random((3, 200)) < 0.85).astype(int)))
    p, inside = found.p_within(margin)
    low, high = found.mean - found.half_width, found.mean + found.half_width
    assert (p <= 0.10 and inside) == (-margin <= low and high <= margin)
    assert (p <= 0.10 and not inside) == (low > margin or high < -margin)


def test_rows_that_differ_on_few_samples_are_alike_if_so_few_would_be_improbable():
    """2 of 400 samples differ. If the share were 0.02, P(Binomial(400, 0.02) <= 2) = 0.98^400 + 400 0.02 0.98^399 + ..."""
    left = np.ones((3, 400), dtype=int)
    right = left.copy()
    right[:, :2] = 0
    found = compare(row(left), row(right))
    chance = 0.98**400 + 400 * 0.02 * 0.98**399 + 400 * 399 / 2 * 0.02**2 * 0.98**398
    assert (found.few, found.p_within(0.02)) == (True, (pytest.approx(2 * chance), True))
    assert found.p_within(0.005)[0] > 0.10


def test_more_seeds_leave_the_error_of_the_test_set():
    """With many seeds, W and what it shares with I vanish: I - O = 11/192 - 3/64 is left."""
    found = compare(row(LEFT), row(RIGHT))
    assert found.with_seeds(2).se == pytest.approx(found.se)
    assert found.with_seeds(10**6).se ** 2 == pytest.approx(11 / 192 - 3 / 64, rel=1e-4)


@given(seed=st.integers(0, 10_000), n=st.integers(2, 4), more=st.integers(5, 60))
def test_more_seeds_never_make_the_error_vanish(seed, n, more):
    """Also where chance makes I smaller than O: what is left is at least what the seeds contribute."""
    draw = np.random.default_rng(seed)
    found = compare(row((draw.random((n, 60)) < 0.9).astype(int)), row((draw.random((n, 60)) < 0.9).astype(int)))
    assert found.with_seeds(more).se ** 2 >= max(found.overlap, sum(variance for variance, _ in found.seeds)) * n / more - 1e-12
    assert found.with_seeds(n).se <= found.se + found.overlap**0.5

"""The smallest difference that a number of seeds decides, from recorded spreads."""

import math

import pytest
from left_runs import docs, done, leave, outputs, sweep

from snnx.sweep.plan.power import power

__all__ = ["docs", "done", "leave", "outputs", "sweep"]
T4, T8 = 2.131847, 1.859548  # t(0.95) with 4 and 8 degrees of freedom, from a printed table


def test_spreads_give_the_width_of_the_interval(sweep, leave, done, outputs, docs):
    """Each row has the variance 0.0001 over 3 seeds; the test samples count 0.8 * 0.2 / (n * 6000) a side, which is less."""
    for seed, step in enumerate((-0.01, 0.0, 0.01)):
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.8 + step))
        leave("fig", f"B,seed={seed},scale=small", done("B", seed, 0.7 + step))
    (three,) = power(sweep, 3, "small", outputs, docs)
    (five,) = power(sweep, 5, "paper", outputs, docs)
    low, high = (float(word) for word in three.split("at least ")[1].split(",")[0].split(" to "))
    assert high == pytest.approx(T4 * math.sqrt(2 * 0.0001 / 3), rel=1e-3)  # A > B; B > C compares with a number
    assert low < high
    assert float(five.split(" to ")[1].split(",")[0]) == pytest.approx(T8 * math.sqrt(2 * 0.0001 / 5), rel=1e-3)
    assert three.endswith("estimated from the runs at scale small")
    assert five.endswith("estimated from the runs at scale small")  # there are no runs at the paper's scale


def test_without_runs_or_with_one_seed_it_says_so(sweep, outputs, docs):
    assert power(sweep, 1, "small", outputs, docs) == ["one seed cannot decide a claim; use three, or five if runs are short"]
    assert power(sweep, 3, "small", outputs, docs) == [
        "it is not known which differences 3 seeds can decide: the rows of fig have not run yet"
    ]

"""The simulation of verdicts: its model has the properties that it states, and it counts what the rule says."""

import numpy as np
import pytest

from snnx.bench.verdicts import SMOKE, Page, latent_shares, measure, outcomes, row, tables


@pytest.mark.parametrize("preference", [0.0, 0.04, 0.15])
def test_simulated_rows_have_the_stated_accuracy_and_disagreement(preference):
    """With 200,000 samples the standard errors are below 0.001."""
    page, draw = Page(2, 200_000, 0.0, preference), np.random.default_rng(0)
    shares = latent_shares(preference)
    common = draw.standard_normal(page.samples) * shares[0] ** 0.5
    one, other = (row(draw, page, common, shares, 0.0).correct for _ in range(2))
    assert one.mean() == pytest.approx(0.92, abs=0.003)
    assert (one[0] != one[1]).mean() == pytest.approx(0.06, abs=0.003)
    across = (one[0] != other[0]).mean()
    assert across == pytest.approx(0.06, abs=0.003) if preference == 0 else across > 0.06


def test_a_large_difference_is_found_and_equal_rows_are_rarely_told_apart():
    """At 10 % for both sides together, more than 14 wrong of 60 have a probability below 0.001."""
    assert outcomes(Page(3, 1_000, 0.002, true=1, better=0.2), 20)["found"] == 1
    equal = outcomes(Page(3, 297, 0.002), 60)
    assert 60 * (equal["holds"] + equal["fails"]) <= 14


def test_tables():
    one, many, different = tables(measure(**SMOKE))
    assert one.rows[0][:4] == ("2", "297", "0.002", "0.04")
    assert many.rows[0][4:6] == ("7", "4")
    assert different.rows[0][-2:] == ("0.05", "100.0")

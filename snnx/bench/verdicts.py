"""Measures how often the rule of verdicts decides wrongly, and how often it finds a true difference, by simulation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnx.report.data.claim import parse
from snnx.report.data.evidence import FAILS, HOLDS, ClaimData
from snnx.report.data.side import Measured
from snnx.report.data.verdict import decide
from snnx.report.tables.table import Table

ACCURACY, DISAGREEMENT = 0.92, 0.06  # two seeds of one network; both as measured on digits


@dataclass(frozen=True)
class Page:
    """A page of claims `X > Y1`, `X > Y2`, … between simulated rows.

    Args:
        seeds: seeds of each row.
        samples: size of the test set.
        spread: standard deviation of a row's accuracy over seeds.
        preference: share of the variance of a sample's difficulty that differs between two networks: 0 if all find the same
            samples hard. Convolutional and fully connected networks on digits have about 0.04, and 0.15 is strong.
        claims: number of claims.
        true: in how many of these X is better.
        better: by how much.
    """

    seeds: int
    samples: int
    spread: float
    preference: float = 0.04
    claims: int = 1
    true: int = 0
    better: float = 0.0


EQUAL = tuple(
    Page(seeds, samples, spread, preference)
    for seeds, preference in ((2, 0.04), (3, 0.04), (5, 0.04), (10, 0.04), (3, 0.15), (10, 0.15))
    for samples in (297, 1_000, 10_000)
    for spread in (0.002, 0.01)
)
MANY = tuple(
    Page(seeds, samples, 0.005, preference, claims, true, 0.02 if true else 0.0)
    for seeds, samples, preference, claims, true in (
        (3, 1_000, 0.04, 7, 0), (3, 10_000, 0.04, 7, 0), (5, 1_000, 0.04, 7, 0), (3, 1_000, 0.15, 7, 0),
        (3, 1_000, 0.04, 17, 0), (3, 1_000, 0.04, 7, 4), (3, 10_000, 0.04, 7, 4), (5, 1_000, 0.04, 7, 4),
    )
)  # fmt: skip
DIFFERENT = tuple(
    Page(seeds, samples, 0.005, true=1, better=better)
    for seeds in (3, 5)
    for samples in (1_000, 10_000)
    for better in (0.005, 0.01, 0.02, 0.05)
)
FULL = {"equal": EQUAL, "many": MANY, "different": DIFFERENT, "pages": 1_000}
SMOKE = {"equal": EQUAL[:1], "many": MANY[-1:], "different": DIFFERENT[-1:], "pages": 4}


def measure(equal: Sequence[Page], many: Sequence[Page], different: Sequence[Page], pages: int) -> dict:
    """Simulate pages and count the decisions of the rule.

    Args:
        equal: pages with one claim between two equal rows.
        many: pages with several claims.
        different: pages with one claim that is true.
        pages: how many of each are simulated.

    Returns:
        For each kind a list with the arguments of each page and the shares of its outcomes, see `outcomes`.
    """
    kinds = {"equal": equal, "many": many, "different": different}
    return {"pages": pages} | {kind: [{**vars(page), **outcomes(page, pages)} for page in some] for kind, some in kinds.items()}


def outcomes(page: Page, pages: int) -> dict[str, float]:
    """Return shares over simulated pages, and over their claims.

    Returns:
        `holds` and `fails`, the shares of the claims without a true difference that get these verdicts; `any`, the share of
        pages with at least one such verdict; `found`, the share of the true claims that hold; `seeds_only`, the share of the
        claims without a true difference that are decided if the test samples do not count.
    """
    draw = np.random.default_rng(0)
    shares = latent_shares(page.preference)
    labels = ["X", *(f"Y{number}" for number in range(1, page.claims + 1))]
    claims = [parse(f"X > {label}", "test/acc", labels, "bench") for label in labels[1:]]
    count = dict.fromkeys(("holds", "fails", "any", "found", "seeds_only"), 0)
    for _ in range(pages):
        common = draw.standard_normal(page.samples) * shares[0] ** 0.5
        worse = [0.0, *[page.better] * page.true, *[0.0] * (page.claims - page.true)]
        sides = {label: row(draw, page, common, shares, less) for label, less in zip(labels, worse, strict=True)}
        found = [verdict.outcome for verdict in decide([ClaimData(claim, {"": sides}) for claim in claims])]
        null = found[page.true :]
        count["holds"] += null.count(HOLDS)
        count["fails"] += null.count(FAILS)
        count["any"] += null.count(HOLDS) + null.count(FAILS) > 0
        count["found"] += found[: page.true].count(HOLDS)
        alone = {label: replace(side, correct=None) for label, side in sides.items()}
        by_seeds = [ClaimData(replace(claim, metric="test/rate"), {"": alone}) for claim in claims[page.true :]]
        without = [decide([data])[0].outcome for data in by_seeds]
        count["seeds_only"] += without.count(HOLDS) + without.count(FAILS)
    null, true = page.claims - page.true, page.true
    per = {"holds": null, "fails": null, "seeds_only": null, "any": 1, "found": true}
    return {key: value / (pages * per[key]) for key, value in count.items() if per[key]}


def latent_shares(preference: float) -> tuple[float, float, float]:
    """Return the shares of the latent variance of a sample that all networks, one network, and one seed have.

    A sample is classified correctly if `N(0, 1) < Φ⁻¹(accuracy)`. Two seeds of a network share all but the last part, which is
    chosen so that they disagree on 6 % of the samples at an accuracy of 0.92.
    """
    from scipy.optimize import brentq
    from scipy.stats import multivariate_normal, norm

    z = norm.ppf(ACCURACY)

    def disagreement(shared: float) -> float:
        both = multivariate_normal.cdf([z, z], cov=[[1, shared], [shared, 1]])
        return 2 * (ACCURACY - both) - DISAGREEMENT

    shared = float(brentq(disagreement, 0.01, 0.999))
    return shared - preference, preference, 1 - shared


def row(draw: np.random.Generator, page: Page, common: np.ndarray, shares: tuple[float, float, float], less: float) -> Measured:
    """Draw the correctness of one row, `[seeds, samples]`, whose accuracy is `less` below that of the others."""
    from scipy.stats import norm

    own = draw.standard_normal(page.samples) * shares[1] ** 0.5
    noise = draw.standard_normal((page.seeds, page.samples)) * shares[2] ** 0.5
    accuracy = np.clip(ACCURACY - less + page.spread * draw.standard_normal((page.seeds, 1)), 1e-4, 1 - 1e-4)
    correct = (common + own + noise < norm.ppf(accuracy)).astype(np.int8)
    return Measured(tuple(correct.mean(1)), correct, "bench")


def tables(measured: dict) -> list[Table]:
    """Make a table of each kind of page."""
    pages = measured["pages"]
    columns, align = ("seeds", "test samples", "spread", "preference"), "rrrr"

    def facts(page: dict) -> tuple[str, ...]:
        return str(page["seeds"]), f"{page['samples']:,}", f"{page['spread']:g}", f"{page['preference']:g}"

    def shown(page: dict, *keys: str) -> tuple[str, ...]:
        return tuple(f"{100 * page[key]:.1f}" if key in page else "-" for key in keys)

    return [
        Table(
            f"Two equal rows: wrong decisions in % of {pages:,} simulated claims",
            (*columns, "holds", "does not hold", "any, if the test samples do not count"), align + "rrr",
            tuple((*facts(page), *shown(page, "holds", "fails", "seeds_only")) for page in measured["equal"]),
        ),
        Table(
            f"Pages of several claims, in % of {pages:,} simulated pages",
            (*columns, "claims", "true", "any wrong decision", "true claims that hold"), align + "rrrr",
            tuple(
                (*facts(page), str(page["claims"]), str(page["true"]), *shown(page, "any", "found"))
                for page in measured["many"]
            ),
        ),
        Table(
            f"Two rows that differ: true claims that hold, in % of {pages:,}",
            (*columns, "difference", "holds"), align + "rr",
            tuple((*facts(page), f"{page['better']:g}", *shown(page, "found")) for page in measured["different"]),
        ),
    ]  # fmt: skip

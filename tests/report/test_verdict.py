"""Verdicts: checked against t intervals computed by hand, and against logical properties."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnx.report.data.claims import parse, read
from snnx.report.data.lines import lines
from snnx.report.data.runs import collect
from snnx.report.data.verdict import FAILS, HOLDS, OPEN, decide, interval, verdicts
from snnx.report.results import work_out

T2, T1 = 2.919986, 6.313752  # t(0.95) with 2 and 1 degrees of freedom, from a printed table


def verdict(text: str, **values: object) -> str:
    measured = {row: dict(enumerate(value)) if isinstance(value, list | tuple) else value for row, value in values.items()}
    return decide(parse(text, "val/acc", list(values), "x.yaml"), measured).outcome


def test_interval_by_hand():
    """Mean 0.02, s 0.01, n 3: 0.02 ± 2.919986 * 0.01 / 1.7320508; mean 2, s sqrt(2), n 2: 2 ± 6.313752."""
    assert interval([0.01, 0.02, 0.03]) == pytest.approx((0.02 - T2 * 0.01 / math.sqrt(3), 0.02 + T2 * 0.01 / math.sqrt(3)))
    assert interval([1.0, 3.0]) == pytest.approx((2 - T1, 2 + T1), rel=1e-6)
    assert interval([0.5, 0.5]) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("text", "a", "b", "outcome"),
    [
        ("A > B", [0.84, 0.85, 0.86], [0.83, 0.83, 0.83], HOLDS),  # 0.02 ± 0.0169
        ("A > B", [0.83, 0.85, 0.87], [0.83, 0.83, 0.83], OPEN),  # 0.02 ± 0.0337
        ("A > B", [0.80, 0.81, 0.82], [0.83, 0.83, 0.83], FAILS),  # -0.02 ± 0.0169
        ("A < B", [0.80, 0.81, 0.82], [0.83, 0.83, 0.83], HOLDS),
        ("A > B", [0.9, 0.8, 0.7], [0.89, 0.79, 0.69], HOLDS),  # paired, every difference is 0.01, though the rows overlap
        ("A > B", [0.8, 0.8], [0.8, 0.8], FAILS),  # all differences are 0, which is not above 0
        ("A >= B", [0.8, 0.8], [0.8, 0.8], HOLDS),
        ("A > B", [0.9], [0.1], OPEN),  # one seed
        ("A > B", [0.9, 0.9, 0.9], [], OPEN),
        ("A ~ B within 0.01", [0.81, 0.81], [0.80, 0.80], HOLDS),  # 0.81 - 0.80 > 0.01 in binary
        ("A ~ B within 0.04", [0.84, 0.85, 0.86], [0.83, 0.83, 0.83], HOLDS),  # inside [0.0031, 0.0369]
        ("A ~ B within 0.02", [0.84, 0.85, 0.86], [0.83, 0.83, 0.83], OPEN),
        ("A ~ B within 0.003", [0.84, 0.85, 0.86], [0.83, 0.83, 0.83], FAILS),
        ("A ~ B within 0.003", [0.80, 0.81, 0.82], [0.83, 0.83, 0.83], FAILS),
        ("A >= 0.83", [0.84, 0.85, 0.86], [], HOLDS),  # 0.85 ± 0.0169 against a number
        ("A >= 0.84", [0.84, 0.85, 0.86], [], OPEN),
        ("0.87 > A", [0.84, 0.85, 0.86], [], HOLDS),
    ],
)
def test_outcomes_by_hand(text, a, b, outcome):
    assert verdict(text, A=a, B=b) == outcome


def test_a_chain_does_not_hold_if_one_comparison_does_not_and_is_undecided_if_one_is():
    high, middle, low = [0.9, 0.9], [0.8, 0.8], [0.7, 0.7]
    assert verdict("A > B > C", A=high, B=middle, C=low) == HOLDS
    assert verdict("A > B > 0.75 > C", A=high, B=middle, C=low) == HOLDS
    assert verdict("A > B > C", A=high, B=low, C=middle) == FAILS
    assert verdict("A > B > C", A=high, B=middle, C=[0.7]) == OPEN
    assert verdict("A > B > C", A=middle, B=high, C=[0.7]) == FAILS


def test_a_chain_of_tildes_compares_every_pair():
    """Neighbours differ by 0.01, the first and the last by 0.02."""
    rows = {"A": [0.80, 0.80], "B": [0.81, 0.81], "C": [0.82, 0.82]}
    assert verdict("A ~ B ~ C within 0.02", **rows) == HOLDS
    assert verdict("A ~ B ~ C within 0.015", **rows) == FAILS


def test_only_common_seeds_are_paired():
    claim = parse("A > B", "val/acc", ["A", "B"], "x.yaml")
    decided = decide(claim, {"A": {0: 0.9, 1: 0.9, 5: 0.1}, "B": {0: 0.8, 1: 0.8, 7: 1.0}})
    assert (decided.outcome, decided.evidence[0].n) == (HOLDS, 2)
    assert str(decided.evidence[0]) == "A - B = +0.100 [+0.100, +0.100] (n=2)"


samples = st.lists(
    st.tuples(*[st.integers(0, 100).map(lambda hits: hits / 100)] * 2), min_size=0, max_size=6
)  # accuracies over 100 samples
OPPOSITE = {HOLDS: FAILS, FAILS: HOLDS, OPEN: OPEN}


@given(samples)
def test_a_claim_and_its_negation_have_opposite_outcomes(pairs):
    """A > B holds if and only if B >= A does not hold, and never together with B > A."""
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    assert verdict("B >= A", A=a, B=b) == OPPOSITE[verdict("A > B", A=a, B=b)]
    assert verdict("A > B", A=a, B=b) == verdict("B < A", A=a, B=b)
    assert not verdict("A > B", A=a, B=b) == verdict("B > A", A=a, B=b) == HOLDS


@given(samples, st.integers(0, 50).map(lambda e: e / 100))
def test_tilde_is_symmetric_and_still_holds_with_a_larger_margin(pairs, margin):
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    outcome = verdict(f"A ~ B within {margin}", A=a, B=b)
    assert outcome == verdict(f"B ~ A within {margin}", A=a, B=b)
    if outcome == HOLDS:
        assert verdict(f"A ~ B within {margin + 0.1}", A=a, B=b) == HOLDS


@given(samples)
def test_the_order_of_the_seeds_does_not_matter(pairs):
    a, b = {s: x for s, (x, _) in enumerate(pairs)}, {s: y for s, (_, y) in reversed(list(enumerate(pairs)))}
    claim = parse("A > B", "val/acc", ["A", "B"], "x.yaml")
    assert decide(claim, {"A": a, "B": b}).outcome == verdict("A > B", A=list(a.values()), B=[y for _, y in pairs])


def test_claims_are_decided_at_each_scale_and_cited_rows_count_as_numbers(sweep, leave, done, outputs, docs):
    for seed in (0, 1):
        for scale, a, b in (("small", 0.7, 0.8), ("paper", 0.9, 0.8)):
            leave("fig", f"A,seed={seed},scale={scale}", done("A", seed, a, scale=scale))
            leave("fig", f"B,seed={seed},scale={scale}", done("B", seed, b, scale=scale))
    found = verdicts(sweep, read(sweep), lines(["A", "B"], collect("fig", outputs, docs)))
    assert [(verdict.claim.text, verdict.scale, verdict.outcome) for verdict in found] == [
        ("A > B", "paper", HOLDS), ("A > B", "small", FAILS), ("B > C", "paper", HOLDS), ("B > C", "small", HOLDS),
    ]  # fmt: skip
    assert found[2].evidence[0].mean == pytest.approx(0.8 - 0.7025)


def test_runs_are_compared_only_with_runs_of_the_same_further_overrides(sweep, leave, done, outputs, docs):
    for seed in (0, 1):
        for row, value in (("A", 0.9), ("B", 0.8)):
            leave("fig", f"{row},seed={seed},scale=small", done(row, seed, value))
            leave(
                "fig",
                f"{row},seed={seed},scale=small,T=4",
                done(row, seed, 1 - value, group=f"{row}4", hash=f"{row}{seed}"),
            )
        leave("fig", f"A,seed={seed},scale=small,T=8", done("A", seed, 0.1, group="A8", hash=f"A8{seed}"))
    found = verdicts(sweep, read(sweep)[:1], lines(["A", "B"], collect("fig", outputs, docs)))
    assert [(verdict.further, verdict.outcome) for verdict in found] == [("", HOLDS), ("T=4", FAILS)]


def test_of_two_configurations_the_one_started_last_is_used(sweep, leave, done, outputs, docs):
    for seed in (0, 1):
        old = done("A", seed, 0.1, group="f", hash=f"f{seed}", started="2026-01-01T00:00:00")
        leave("fig", f"A,scale=small,seed={seed}", old)
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, 0.9, group="a", hash=f"a{seed}"))
        leave("fig", f"B,seed={seed},scale=small", done("B", seed, 0.8))
    found = verdicts(sweep, read(sweep)[:1], lines(["A", "B"], collect("fig", outputs, docs)))
    assert [verdict.outcome for verdict in found] == [HOLDS]


def test_claims_about_untrained_networks_are_left_out(sweep, leave, done, outputs, docs):
    """Untrained networks have no validation accuracy. As long as a row has not run, the claims are undecided instead."""
    untrained = {"metrics": {"test/firing_rate": 0.1}, "curves": {}}
    leave("fig", "A,seed=0,scale=small,trainer.max_epochs=0", done("A", 0, None, **untrained))
    assert [verdict.outcome for verdict in work_out(sweep, collect("fig", outputs, docs)).verdicts] == [OPEN, OPEN]
    leave("fig", "B,seed=0,scale=small,trainer.max_epochs=0", done("B", 0, None, **untrained))
    found = work_out(sweep, collect("fig", outputs, docs))
    assert list(found.verdicts) == []
    assert not any("no finite" in note for note in found.notes)


def test_a_claim_per_layer_is_decided_in_each_layer_of_neurons(sweep, leave, done, outputs, docs):
    """The mean over layers of A is above that of B, but in sn2 it is below; the read-out `out` is no layer of neurons."""
    layers = {"A": {"sn1": [80.0, 90.0], "sn2": [10.0], "out": [0.0]}, "B": {"sn1": [40.0], "sn2": [30.0], "out": [0.0]}}
    for row, table in layers.items():
        for seed in (0, 1):
            facts = done(row, seed, 0.8, layers={"silent": {"test": table}})
            leave("fig", f"{row},seed={seed},scale=small", facts | {"metrics": {"test/silent": 55.0 if row == "A" else 35.0}})
    claims = tuple({"metric": "test/silent", "claim": "A > B"} | per for per in ({}, {"per": "layer"}))
    results = work_out(replace(sweep, claims=claims), collect("fig", outputs, docs))
    whole, per_layer = results.verdicts
    assert (whole.outcome, per_layer.outcome) == (HOLDS, FAILS)
    assert [str(link) for link in per_layer.evidence] == [
        "sn1: A - B = +45.0 [+45.0, +45.0] (n=2)",
        "sn2: A - B = -20.0 [-20.0, -20.0] (n=2)",
    ]
    assert [row[1] for row in results.claims.rows] == ["test/silent", "test/silent per layer"]


def test_a_claim_per_layer_without_layers_is_undecided(sweep, leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    claims = ({"metric": "test/silent", "claim": "A > B", "per": "layer"},)
    (verdict,) = work_out(replace(sweep, claims=claims), collect("fig", outputs, docs)).verdicts
    assert (verdict.outcome, verdict.evidence) == (OPEN, ())

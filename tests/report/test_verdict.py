"""Verdicts of whole pages: outcomes by hand, the adjustment over a page, and what is not decided."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnx.record.correctness import pack
from snnx.report.data.claim import parse, read
from snnx.report.data.difference import Difference
from snnx.report.data.evidence import FAILS, HOLDS, OPEN, ClaimData, Evidence, decided
from snnx.report.data.lines import lines
from snnx.report.data.runs import collect
from snnx.report.data.side import Measured, Number, measured
from snnx.report.data.verdict import adjusted, decide, verdicts
from snnx.report.results import work_out

ROWS = ["A", "B", "C"]


def claim(text: str, metric: str = "test/rate", at_chance: set[str] = frozenset(), exact: bool = False, **rows) -> ClaimData:
    sides = {row: Measured(tuple(value)) if isinstance(value, list) else value for row, value in rows.items()}
    return ClaimData(parse(text, metric, ROWS, "x.yaml"), {"": sides}, at_chance, exact)


def outcome(text: str, **rows: object) -> str:
    return decide([claim(text, **rows)])[0].outcome


@pytest.mark.parametrize(
    ("text", "a", "b", "expected"),
    [
        # Welch's interval is 0.02 ± 2.920 * 0.01 / √3 = 0.02 ± 0.0169, since B has no variance
        ("A > B", [0.84, 0.85, 0.86], [0.83, 0.83, 0.83], HOLDS),
        ("A > B", [0.83, 0.85, 0.87], [0.83, 0.83, 0.83], OPEN),  # 0.02 ± 0.0337
        ("A > B", [0.80, 0.81, 0.82], [0.83, 0.83, 0.83], FAILS),
        ("A < B", [0.80, 0.81, 0.82], [0.83, 0.83, 0.83], HOLDS),
        (
            "A > B",
            [0.9, 0.8, 0.7],
            [0.89, 0.79, 0.69],
            OPEN,
        ),  # seeds are not paired: a seed does not mean the same in two networks
        ("A >= B", [0.8, 0.8], [0.8, 0.8], HOLDS),
        ("A > B", [0.8, 0.8], [0.8, 0.8], OPEN),  # identical
        ("A > B", [0.9], [0.1, 0.1], OPEN),  # one seed
        ("A > B", [0.9, 0.9, 0.9], [], OPEN),
        ("A ~ B within 0.04", [0.84, 0.85, 0.86], [0.83, 0.83, 0.83], HOLDS),  # inside [0.0031, 0.0369]
        ("A ~ B within 0.02", [0.84, 0.85, 0.86], [0.83, 0.83, 0.83], OPEN),
        ("A ~ B within 0.003", [0.84, 0.85, 0.86], [0.83, 0.83, 0.83], FAILS),
        ("A ~ B within 0.003", [0.80, 0.81, 0.82], [0.83, 0.83, 0.83], FAILS),
        ("A >= 0.83", [0.84, 0.85, 0.86], [], HOLDS),  # 0.85 ± 0.0169 beside a number
        ("A >= 0.84", [0.84, 0.85, 0.86], [], OPEN),
        ("0.87 > A", [0.84, 0.85, 0.86], [], HOLDS),
    ],
)
def test_outcomes_by_hand(text, a, b, expected):
    assert outcome(text, A=a, B=b) == expected


def test_a_chain_does_not_hold_if_one_comparison_does_not_and_is_undecided_if_one_is():
    high, middle, low = [0.90, 0.91], [0.80, 0.81], [0.70, 0.71]
    assert outcome("A > B > C", A=high, B=middle, C=low) == HOLDS
    assert outcome("A > B > 0.75 > C", A=high, B=middle, C=low) == HOLDS
    assert outcome("A > B > C", A=high, B=low, C=middle) == FAILS
    assert outcome("A > B > C", A=high, B=middle, C=[0.7]) == OPEN
    assert outcome("A > B > C", A=middle, B=high, C=[0.7]) == FAILS


def test_a_chain_of_tildes_compares_every_pair():
    """Neighbours differ by 0.01, the first and the last by 0.02."""
    rows = {"A": [0.80, 0.80], "B": [0.81, 0.81], "C": [0.82, 0.82]}
    assert outcome("A ~ B ~ C within 0.03", **rows) == HOLDS
    assert outcome("A ~ B ~ C within 0.015", **rows) == FAILS


def test_p_values_are_adjusted_by_hand():
    """Of three, sorted: 0.01 * 3 / 1, 0.03 * 3 / 2 and 0.04 * 3 / 3; none may be larger than the one after it."""
    assert adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert adjusted([0.07]) == [0.07]
    assert adjusted([]) == []


def test_a_claim_alone_can_hold_and_beside_many_that_do_not_differ_be_undecided():
    """p = 0.074 alone; beside four comparisons with p near 1 it counts as 5 * 0.074."""
    found, same = claim("A > B", A=[0.84, 0.85, 0.86], B=[0.83, 0.83, 0.83]), [0.80, 0.85, 0.90]
    (alone,) = decide([found])
    beside = decide([found, *[claim("A > B", A=same, B=same)] * 4])[0]
    assert (alone.outcome, beside.outcome) == (HOLDS, OPEN)
    assert beside.evidence[0].adjusted == pytest.approx(5 * alone.evidence[0].p)
    assert "seeds would decide it" in beside.evidence[0].why


def test_a_claim_on_an_exact_quantity_needs_no_seeds_and_is_not_adjusted():
    """Training does not change the number of parameters, so a single run is enough."""
    page = [claim("A > B", exact=True, A=[2.0], B=[1.0]), claim("A >= B", exact=True, A=[1.0], B=[1.0])]
    page += [claim("A > B", exact=True, A=[1.0], B=[1.0]), claim("A ~ B within 1", exact=True, A=[1.0], B=[2.0])]
    page.append(claim("A > B", A=[0.84, 0.85, 0.86], B=[0.83, 0.83, 0.83]))
    found = decide(page)
    assert [verdict.outcome for verdict in found] == [HOLDS, HOLDS, FAILS, HOLDS, HOLDS]
    assert found[-1].evidence[0].adjusted == found[-1].evidence[0].p


def test_a_network_at_chance_decides_nothing_unless_the_claim_expects_it():
    page = claim("A > B", at_chance={"B"}, A=[0.90, 0.91], B=[0.10, 0.11])
    (verdict,) = decide([page])
    assert (verdict.outcome, verdict.evidence[0].why) == (OPEN, "B at chance")
    expected = ClaimData(parse("A > B", "test/acc", ROWS, "x.yaml", chance=["B"]), page.sides, page.at_chance)
    assert decide([expected])[0].outcome == HOLDS


def bits(accuracy: float, n: int, samples: int, seed: int, split: str = "s") -> Measured:
    correct = (np.random.default_rng(seed).random((n, samples)) < accuracy).astype(np.int8)
    return Measured(tuple(correct.mean(1)), correct, split)


def test_seeds_that_agree_to_the_digit_do_not_decide_about_few_samples():
    """All three seeds differ by exactly one of 297 images, so seeds alone would call the difference certain."""
    left = np.ones((3, 297), dtype=np.int8)
    left[:, :30] = 0
    right = left.copy()
    right[:, 30] = 0
    rows = {name: Measured(tuple(correct.mean(1)), correct, "s") for name, correct in (("A", left), ("B", right))}
    (verdict,) = decide([claim("A > B", "test/acc", **rows)])
    assert (verdict.outcome, verdict.evidence[0].why) == (OPEN, "the rows differ on only 1 of 297 samples")


def test_accuracies_without_samples_decide_nothing_beyond_three_seeds():
    rows = {n: {"A": Measured((0.9,) * n, samples=10_000), "B": Measured((0.8,) * n, samples=10_000)} for n in (3, 4)}
    assert outcome("A > B", metric="test/acc", **rows[3]) == HOLDS
    assert outcome("A > B", metric="test/acc", **rows[4]) == OPEN


def test_a_cited_accuracy_on_a_small_test_set_is_less_certain():
    """90.5 % on 10,000 images against 90 %: a bare number has no error of its own, a cited one that of its 200 images."""
    row = {"A": bits(0.905, 3, 10_000, 0)}
    assert outcome("A > B", metric="test/acc", B=Number(0.895), **row) == HOLDS
    assert outcome("A > B", metric="test/acc", B=Number(0.895, test_samples=200), **row) == OPEN


accuracies = st.lists(st.tuples(*[st.integers(0, 100).map(lambda hits: hits / 100)] * 2), min_size=0, max_size=6)
OPPOSITE = {HOLDS: FAILS, FAILS: HOLDS, OPEN: OPEN}


@given(accuracies)
def test_a_claim_and_its_reverse_have_opposite_outcomes(pairs):
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    assert outcome("B > A", A=a, B=b) == OPPOSITE[outcome("A > B", A=a, B=b)] == OPPOSITE[outcome("B < A", A=a, B=b)]


@given(accuracies, st.integers(0, 50).map(lambda e: e / 100))
def test_tilde_is_symmetric_and_still_holds_with_a_larger_margin(pairs, margin):
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    found = outcome(f"A ~ B within {margin}", A=a, B=b)
    assert found == outcome(f"B ~ A within {margin}", A=a, B=b)
    if found == HOLDS:
        assert outcome(f"A ~ B within {margin + 0.1}", A=a, B=b) == HOLDS


def result(done, row: str, correct: np.ndarray, seed: int, identity: str = "s", **entries) -> dict:
    """A result with the correctness of its test samples."""
    answers = {"test": {"samples": len(correct), "identity": identity, "correct": {"test/acc": pack(correct)}}}
    accuracy = float(correct.mean())
    return done(row, seed, accuracy, metrics={"test/acc": accuracy}, answers=answers, **entries)


def test_the_samples_are_read_from_the_results(sweep, leave, done, outputs, docs):
    correct = np.array([[1, 1, 0, 1, 1], [1, 0, 0, 1, 1]])
    for seed, row in enumerate(correct):
        leave("fig", f"A,seed={seed},scale=small", result(done, "A", row, seed))
        leave("fig", f"B,seed={seed},scale=small", result(done, "B", row, seed, identity=f"split {seed}"))
    a, b = lines(["A", "B"], collect("fig", outputs, docs))
    assert measured(a, "test/acc").correct.tolist() == correct.tolist()
    assert measured(a, "test/acc").split == "s"
    assert measured(b, "test/acc").correct is None  # the seeds were tested on different samples


def test_a_row_at_chance_is_marked(sweep, leave, done, outputs, docs):
    """One class has half of the 100 test samples, so 0.60 is below 0.5 + 3 * 0.05, and 0.66 above."""
    data = {"name": "x", "train": 10, "val": 10, "test": 100, "chance": 0.5}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.6, metrics={"test/acc": 0.60}, data=data))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.6, metrics={"test/acc": 0.66}, data=data))
    leave("fig", "C,seed=0,scale=small", done("C", 0, 0.6, metrics={"test/acc": 0.5}, data=data, curves={}))  # not trained
    assert [line.label for line in lines(ROWS, collect("fig", outputs, docs))] == ["A (at chance)", "B", "C"]


def test_what_speaks_against_a_row_stands_beside_its_claim(sweep, leave, done, outputs, docs):
    """B failed an audit, was trained with another rate, and ran before its neuron was changed in the sweep file."""
    first, second, *others = sweep.rows
    new = replace(second, overrides=("neuron=lif", "neuron.tau=4"))
    edited = replace(sweep, rows=(replace(first, overrides=("neuron=lif", "neuron.tau=2")), new, *others), factor=("neuron",))
    audit = {"findings": [{"check": "batch", "outcome": "failed", "text": "12 of 256 predictions differ"}]}
    for seed in (0, 1):
        neuron = {"_target_": "snnx.neuron.lif.LIF", "tau": 2.0}
        a, b = ({"physics": {"neuron": neuron, "optimizer": {"lr": lr}}} for lr in (0.1, 0.2))
        a, b = (facts | {"built": {"v_reset": {"sn1": v}}} for facts, v in ((a, 0.0), (b, "soft")))
        rate = ["optimizer.lr=0.1"]  # of the command line, which no file contradicts
        leave("fig", f"A,seed={seed}", done("A", seed, 0.9, overrides=rate, **a))
        leave("fig", f"B,seed={seed}", done("B", seed, 0.8, overrides=rate, audit=audit, **b))
    (verdict,) = verdicts(edited, read(edited)[:1], lines(["A", "B"], collect("fig", outputs, docs)))
    assert (verdict.outcome, verdict.evidence[0].why) == (
        HOLDS,
        "B failed the audit (batch) and has other settings now and also differs from A in optimizer.lr, v_reset",
    )


def test_claims_are_decided_at_each_scale_and_cited_rows_count_as_numbers(sweep, leave, done, outputs, docs):
    for seed in (0, 1):
        for scale, a, b in (("small", 0.7, 0.8), ("paper", 0.9, 0.8)):
            leave("fig", f"A,seed={seed},scale={scale}", done("A", seed, a + seed / 1000, scale=scale))
            leave("fig", f"B,seed={seed},scale={scale}", done("B", seed, b, scale=scale))
    found = verdicts(sweep, read(sweep), lines(["A", "B"], collect("fig", outputs, docs)))
    assert [(verdict.claim.text, verdict.scale, verdict.outcome) for verdict in found] == [
        ("A > B", "paper", HOLDS), ("A > B", "small", FAILS), ("B > C", "paper", HOLDS), ("B > C", "small", HOLDS),
    ]  # fmt: skip
    assert found[2].evidence[0].estimate.mean == pytest.approx(0.8 - 0.7025)


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


def test_of_two_configurations_that_of_the_sweep_file_is_used(sweep, leave, done, outputs, docs):
    """As after an edit of the row: two runs have its new settings, and three have the old ones."""
    (first, *others) = sweep.rows
    edited = replace(sweep, rows=(replace(first, overrides=("neuron=lif", "neuron.tau=4")), *others))
    for tau, rate, links in (
        (2.0, 0.1, ("A,seed=0", "A,seed=1", "A,seed=2")),
        (4.0, 0.9, ("A,scale=small", "A,scale=small,seed=1")),
    ):
        physics = {"neuron": {"_target_": "snnx.neuron.lif.LIF", "tau": tau}}
        for seed, link in enumerate(links):
            leave("fig", link, done("A", seed, rate, group=f"g{tau}", hash=f"a{tau}{seed}", physics=physics))
    for seed in (0, 1):
        leave("fig", f"B,seed={seed}", done("B", seed, 0.8))
    found = verdicts(edited, read(edited)[:1], lines(["A", "B"], collect("fig", outputs, docs)))
    assert [verdict.outcome for verdict in found] == [HOLDS]


@pytest.mark.parametrize("started", ["1990-01-01T00:00:00", "2090-01-01T00:00:00"])
def test_of_two_configurations_the_one_with_more_runs_is_used_whatever_the_calendar_says(
    sweep, leave, done, outputs, docs, started
):
    other = done("A", 0, 0.1, group="f", hash="f0", started=started)
    leave("fig", "A,scale=small,seed=0", other)
    for seed in (0, 1):
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
    layers = {
        "A": {"sn1": [80.0, 90.0], "sn2": [10.0] * 2, "out": [0.0] * 2},
        "B": {"sn1": [40.0] * 2, "sn2": [30.0] * 2, "out": [0.0] * 2},
    }
    for row, table in layers.items():
        for seed in (0, 1):
            facts = done(row, seed, 0.8, layers={"silent": {"test": table}})
            leave("fig", f"{row},seed={seed},scale=small", facts | {"metrics": {"test/silent": 55.0 if row == "A" else 35.0}})
    claims = tuple({"metric": "test/silent", "claim": "A > B"} | per for per in ({}, {"per": "layer"}))
    results = work_out(replace(sweep, claims=claims), collect("fig", outputs, docs))
    whole, per_layer = results.verdicts
    assert (whole.outcome, per_layer.outcome) == (HOLDS, FAILS)
    assert [(one.layer, one.estimate.mean, one.outcome) for one in per_layer.evidence] == [
        ("sn1", 45.0, HOLDS), ("sn2", -20.0, FAILS),
    ]  # fmt: skip
    assert [row[1] for row in results.claims.rows] == ["test/silent", "test/silent per layer", ""]


def test_a_claim_per_layer_without_layers_is_undecided(sweep, leave, done, outputs, docs):
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8))
    claims = ({"metric": "test/silent", "claim": "A > B", "per": "layer"},)
    (verdict,) = work_out(replace(sweep, claims=claims), collect("fig", outputs, docs)).verdicts
    assert (verdict.outcome, verdict.evidence) == (OPEN, ())


@pytest.mark.parametrize(
    ("mean", "why"),
    [
        (0.05, "about 30 seeds would decide it"),
        (0.01, "more than 100 seeds would decide it"),
        (0.001, "more seeds alone would not decide it"),
    ],
)
def test_how_many_seeds_would_decide_a_comparison(mean, why):
    """The seeds' variance, 0.0133 of 3 on each side, can be reduced; that of the samples, 0.001 squared, cannot."""
    estimate = Difference(mean, ((0.0133 / 3, 2), (0.0133 / 3, 2)), samples=((0.001**2, 999),), fewest=3)
    one = Evidence("A", ">", "B", 3, estimate=estimate, p=estimate.p_differs(), adjusted=estimate.p_differs())
    assert decided(one, None, 0.1).why == why

"""The grammar of claims."""

import pytest

from snnx.options.sweepfile import find, names
from snnx.options.sweepfile import read as read_sweep
from snnx.report.data.claim import parse, read

ROWS = ["A", "B", "ViT-4"]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("A > B", [("A", ">", "B")]),
        ("A<=B", [("A", "<=", "B")]),
        ("A >= 0.95", [("A", ">=", 0.95)]),
        ("A > 5e-1 > ViT-4", [("A", ">", 0.5), (0.5, ">", "ViT-4")]),
        ("A > -0.5", [("A", ">", -0.5)]),
        ("A ~ B within 0.01", [("A", "~", "B")]),
        ("A ~ B ~ ViT-4 within 1e-2", [("A", "~", "B"), ("A", "~", "ViT-4"), ("B", "~", "ViT-4")]),
    ],
)
def test_comparisons_of_a_claim(text, links):
    assert parse(text, "val/acc", ROWS, "x.yaml").links == links


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A > D", r"x.yaml: claim 'A > D': must name rows among A, B, ViT-4; got D"),
        ("A >", r"must name rows among A, B, ViT-4; got nothing"),
        ("A >> B", r"claim 'A >> B': must compare rows or numbers with > < >= <= or ~; there is no comparison >>$"),
        ("A == B", r"there is no comparison ==$"),
        ("A", r"must compare rows or numbers with > < >= <= or ~"),
        ("A ~ B", r"must be a chain of > < >= <=, or a chain of ~ that ends with a margin, as in: A ~ B within 0.01"),
        ("A > B within 0.1", r"must be a chain of"),
        ("A ~ B > ViT-4 within 0.1", r"must be a chain of"),
        ("A ~ B within -1", r"within must be a number >= 0; got -1"),
        ("A ~ B within some", r"within must be a number >= 0; got some"),
        ("A > 0.9 > 0.8", r"must have a row on at least one side of each sign; got two numbers"),
    ],
)
def test_malformed_claims(text, message):
    with pytest.raises(ValueError, match=message) as refused:
        parse(text, "val/acc", ROWS, "x.yaml")
    assert "\n" not in str(refused.value)


def test_a_claim_may_be_per_layer(tmp_path):
    text = (
        "sweep: {{paper: p, artifact: a, metric: m, claims: [A > B, {{metric: x/y, claim: A > B, per: {per}}}]}}\n"
        "rows: {{A: {{set: [seed=1]}}, B: {{set: [seed=2]}}}}\n"
    )
    path = tmp_path / "p_x.yaml"
    path.write_text(text.format(per="layer"))
    assert [claim.per_layer for claim in read(read_sweep(path))] == [False, True]
    path.write_text(text.format(per="seed"))
    with pytest.raises(ValueError, match=r"p_x.yaml: per of a claim must be layer, or be left out; got seed"):
        read_sweep(path)


@pytest.mark.parametrize("name", names())
def test_all_claims_of_our_sweeps_are_valid(name):
    sweep = read_sweep(find(name))
    assert len(read(sweep)) == len(sweep.claims)


def test_a_claim_expects_chance_of_rows_that_it_compares():
    assert parse("A > B", "test/acc", ["A", "B"], "x.yaml", "B").chance == ("B",)
    with pytest.raises(ValueError, match=r"x.yaml: claim 'A > B': chance must name rows of the claim, A, B; got C"):
        parse("A > B", "test/acc", ["A", "B", "C"], "x.yaml", ["C"])

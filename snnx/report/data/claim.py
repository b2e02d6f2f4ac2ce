"""Parses the claims of a sweep file, such as `A > B > 0.9` or `A ~ B within 0.01`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from snnx.options.sweepfile import SweepFile

SIGN = re.compile(r"\s*(>=|<=|>|<|~)\s*")
SIGNS = re.compile(r"[<>=~!]+")  # as people write comparisons, also those that claims do not have
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
WITHIN = re.compile(r"(.*\S)\s+within\s+(\S+)")


@dataclass(frozen=True)
class Claim:
    """A chain of terms with signs between them; a term is a row's label, or a number in the metric's own unit."""

    text: str
    metric: str
    terms: tuple[str | float, ...]
    signs: tuple[str, ...]
    within: float | None  # the margin of `~`; None for a chain of < and >
    per_layer: bool = False  # whether it must hold in each layer of neurons, not only for the mean over layers
    chance: tuple[str, ...] = ()  # the rows that the claim expects to classify no better than chance

    @property
    def rows(self) -> list[str]:
        """The labels of the rows that the claim compares."""
        return [term for term in self.terms if isinstance(term, str)]

    @property
    def links(self) -> list[tuple[str | float, str, str | float]]:
        """The comparisons that must all hold: of neighbours in a chain of < and >, and of every pair in a chain of `~`."""
        if self.within is not None:
            return [(left, "~", right) for left, right in combinations(self.terms, 2)]
        return [(left, sign, right) for (left, right), sign in zip(pairwise(self.terms), self.signs, strict=True)]


def read(sweep: SweepFile) -> list[Claim]:
    """Parse all claims of a sweep file.

    Raises:
        ValueError: a claim is malformed; see `parse`.
    """
    labels = [row.label for row in sweep.rows]
    file = f"{sweep.name}.yaml"
    return [
        replace(parse(one["claim"], one["metric"], labels, file, one.get("chance", [])), per_layer="per" in one)
        for one in sweep.claims
    ]


def parse(text: str, metric: str, labels: Sequence[str], file: str, chance: str | Sequence[str] = ()) -> Claim:
    """Parse one claim.

    Args:
        text: rows and numbers with `>`, `<`, `>=` or `<=` between them, or rows and numbers with `~` between them followed
            by `within` and a margin.
        metric: the metric that is compared, such as `val/acc`.
        labels: the rows that the claim may name.
        file: name of the sweep file, for error messages.
        chance: a row or rows that the claim expects to classify no better than chance; without it, such a row decides nothing.

    Raises:
        ValueError: the claim does not follow this grammar, names a row that the sweep file does not have, or expects a row
            at chance that is not part of the claim.

    Example:
        >>> parse("A > B >= 0.9", "val/acc", ["A", "B"], "x.yaml").links
        [('A', '>', 'B'), ('B', '>=', 0.9)]
        >>> parse("A ~ B ~ C within 0.01", "val/acc", ["A", "B", "C"], "x.yaml").links
        [('A', '~', 'B'), ('A', '~', 'C'), ('B', '~', 'C')]
    """
    place = f"{file}: claim {text!r}"
    found = WITHIN.fullmatch(str(text).strip())
    body, margin = (found[1], found[2]) if found else (str(text), None)
    if other := next((sign for sign in SIGNS.findall(body) if not SIGN.fullmatch(sign)), None):
        raise ValueError(f"{place}: must compare rows or numbers with > < >= <= or ~; there is no comparison {other}")
    words = SIGN.split(body.strip())
    signs = tuple(words[1::2])
    if not signs:
        raise ValueError(f"{place}: must compare rows or numbers with > < >= <= or ~")
    if (set(signs) == {"~"}) != (margin is not None) or ("~" in signs and len(set(signs)) > 1):
        raise ValueError(
            f"{place}: must be a chain of > < >= <=, or a chain of ~ that ends with a margin, as in: A ~ B within 0.01"
        )
    if margin is not None and not (NUMBER.fullmatch(margin) and float(margin) >= 0):
        raise ValueError(f"{place}: within must be a number >= 0; got {margin}")
    terms = tuple(_term(word, labels, place) for word in words[::2])
    expected = (chance,) if isinstance(chance, str) else tuple(chance)
    claim = Claim(str(text), metric, terms, signs, None if margin is None else float(margin), chance=expected)
    if other := [row for row in expected if row not in claim.rows]:
        raise ValueError(f"{place}: chance must name rows of the claim, {', '.join(claim.rows)}; got {', '.join(other)}")
    if any(isinstance(left, float) and isinstance(right, float) for left, _, right in claim.links):
        raise ValueError(f"{place}: must have a row on at least one side of each sign; got two numbers")
    return claim


def _term(word: str, labels: Sequence[str], place: str) -> str | float:
    if NUMBER.fullmatch(word):
        return float(word)
    if word not in labels:
        raise ValueError(f"{place}: must name rows among {', '.join(labels)}; got {word or 'nothing'}")
    return word

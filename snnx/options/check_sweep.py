"""Checks what a sweep file says about the whole sweep: its factor, compared rows, claims, parameters and labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from snnx.options.nearest import nearest
from snnx.options.received import check_keys
from snnx.options.row import Row
from snnx.options.tune import Tune

PER_LAYER = "layer"


def check_hydra(path: Path, hydra: object) -> None:
    """Reject everything of `hydra` but `sweeper.params` with plain values."""
    sweeper = hydra.get("sweeper") or {} if isinstance(hydra, dict) and set(hydra) <= {"sweeper"} else None
    params = sweeper.get("params") or {} if isinstance(sweeper, dict) and set(sweeper) <= {"params"} else None
    if not isinstance(params, dict):
        raise ValueError(f"{path.name}: hydra must contain only sweeper.params; got {hydra}")
    check_keys(map(str, params), f"{path.name}: hydra.sweeper.params")
    for key, value in params.items():
        if not isinstance(value, str | int | float) or "${" in str(value):
            raise ValueError(f"{path.name}: hydra.sweeper.params.{key} must be a plain text or number; got {value}")


def require_texts(place: str, given: dict, keys: Sequence[str]) -> None:
    """Reject a value that is no text, if the key is there.

    Example:
        >>> require_texts("a.yaml: sweep", {"metric": 1}, ["metric", "unit"])
        Traceback (most recent call last):
        ValueError: a.yaml: sweep: metric must be a text; got 1
    """
    if wrong := next((key for key in keys if not isinstance(given.get(key), str | None)), None):
        raise ValueError(f"{place}: {wrong} must be a text; got {given[wrong]}")


def claims_of(path: Path, written: object, metric: str) -> tuple[dict, ...]:
    """Return the claims, each with its metric, which is `metric` if it names none."""
    if not isinstance(written, list | None):
        raise ValueError(f"{path.name}: claims must be a list; got {written}")
    claims = tuple({"metric": metric, **(claim if isinstance(claim, dict) else {"claim": claim})} for claim in written or ())
    for claim in claims:
        if not {"claim"} <= set(claim) <= {"metric", "claim", "chance", "per"}:
            raise ValueError(
                f"{path.name}: a claim must be a text, or have the key claim, and may have metric, chance and per; got {claim}"
            )
        require_texts(f"{path.name}: a claim", claim, ["metric", "claim"])
        chance = claim.get("chance", [])
        if not all(isinstance(label, str) for label in (chance if isinstance(chance, list) else [chance])):
            raise ValueError(f"{path.name}: chance of a claim must be a row, or a list of rows; got {chance}")
        if claim.get("per", PER_LAYER) != PER_LAYER:
            raise ValueError(f"{path.name}: per of a claim must be {PER_LAYER}, or be left out; got {claim['per']}")
    return claims


def require_groups_from_the_root(path: Path, defaults: object) -> None:
    """Reject `override dataset`, which Hydra looks for in the folder `sweep/`."""
    for key in (key for entry in (defaults or ()) if isinstance(entry, dict) for key in entry):
        first, _, group = str(key).rpartition(" ")
        if not group.startswith("/"):
            raise ValueError(
                f"{path.name}: defaults must name a group with a slash, as in {first} /{group}; got {key}".replace("  ", " ")
            )


def factor_of(path: Path, value: object, rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the groups and keys that the rows vary on purpose, each of which a row must set."""
    factors = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(factor, str) for factor in factors):
        raise ValueError(f"{path.name}: factor must be a group or key that the rows vary, or a list of them; got {value}")
    varied = {word.partition("=")[0] for row in rows for word in row.overrides or ()}
    known = {".".join(key.split(".")[: depth + 1]) for key in varied for depth in range(key.count(".") + 1)}
    if unknown := next((factor for factor in factors if factor not in known), None):
        hint = f": write [{unknown}]" if "," in unknown else nearest(unknown, known)
        raise ValueError(f"{path.name}: factor must be a group or key that a row sets; got {unknown}{hint}")
    return tuple(factors)


def compared(path: Path, facts: Mapping, key: str, rows: Sequence[Row]) -> str | None:
    """Return the label of the row that a key names, with which energies are compared; `None` if the key is absent."""
    live, label = [row.label for row in rows if row.overrides is not None], facts.get(key)
    if label is not None and label not in live:
        raise ValueError(f"{path.name}: {key} must be a row that is run, among {', '.join(live)}; got {label}")
    return label


def with_twins(path: Path, rows: Sequence[Row], searched: Tune | None) -> tuple[Row, ...]:
    """Add the tuned twin of each row that is searched."""
    found: list[Row] = []
    for row in rows:
        found += [row, row.tuned()] if searched and row.label in searched.rows else [row]
    if twice := next((label for label, count in Counter(row.label for row in found).items() if count > 1), None):
        raise ValueError(f"{path.name}: a row must not be named like a tuned row; got {twice}: rename it")
    alike: dict[str, str] = {}  # by label in small letters, since a run's link is named after its row
    for row in found:
        if (other := alike.setdefault(row.label.casefold(), row.label)) != row.label:
            raise ValueError(
                f"{path.name}: the labels of rows must differ in more than capital letters; got {other} and {row.label}"
            )
    return tuple(found)

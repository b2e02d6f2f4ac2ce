"""Reads a sweep file, which describes one table or figure of a paper by rows, reported numbers and claims."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from snnx.options.files import files
from snnx.options.nearest import nearest
from snnx.options.strict_yaml import Loader
from snnx.record.job import SINGLE

ROW_KEYS = {"set", "reported", "std", "n", "test_samples", "source", "cited", "note"}
SWEEP_KEYS = {"paper", "artifact", "factor", "metric", "unit", "claims", "needs"}
PER_LAYER = "layer"
LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # must begin with a letter: YAML reads a bare 4 as a number


@dataclass(frozen=True)
class Row:
    """One variant: the overrides that make it, and the paper's number for it."""

    label: str
    overrides: tuple[str, ...] | None  # None for a number that the paper cites from others; it is shown but never run
    reported: dict[str, float]  # by metric, the number as printed in the paper, in the sweep's unit
    source: str | None  # where in the paper the number is, and how it was read
    cited: str | None  # who reported the number, if not the paper itself
    std: float | None  # the standard deviation over seeds of that number, in the same unit, if the paper gives one
    n: int | None  # how many seeds that number is the mean of
    test_samples: int | None  # the size of the test set of a cited accuracy
    note: str | None  # how the row differs, beyond its overrides, from the rows that it is compared with


@dataclass(frozen=True)
class SweepFile:
    """The checked content of a file under `sweeps/`, read without Hydra."""

    name: str
    title: str  # the comment at the top of the file: what the sweep is, its command and its cost
    paper: str
    artifact: str
    factor: tuple[str, ...]  # the groups or keys that the rows vary; empty if the sweep is not an ablation
    metric: str  # the metric of `reported` numbers and of claims that name no other
    unit: str | None  # unit of the reported numbers: "%" or None
    claims: tuple[dict, ...]  # metric and claim, and where given chance (rows that should learn nothing) and per
    needs: str | None  # what a machine needs to run the sweep at the paper's scale, for example a GPU
    rows: tuple[Row, ...]
    body: dict  # the file's content for Hydra, without `rows`

    def start(self, scale: str = "small") -> str:
        """Return the command that starts the sweep."""
        return "snnx -m neuron=if,lif" if self.name == SINGLE else f"snnx -m sweep={self.name} scale={scale}"

    @property
    def live(self) -> tuple[Row, ...]:
        """The rows that can be launched."""
        return tuple(row for row in self.rows if row.overrides is not None)


def names() -> list[str]:
    """Return the names of the sweeps of all places, sorted."""
    return list(files("sweep"))


def find(name: str) -> Path:
    """Return the file of the sweep `name`.

    Raises:
        ValueError: there is no such sweep.
    """
    known = files("sweep")
    if name not in known:
        raise ValueError(f"sweep must be one of {', '.join(known)}; got {name}{nearest(name, known)}")
    return known[name]


def sweep_named(name: str) -> SweepFile:
    """Return the sweep that NAME selects in a command such as `snnx report`; `single` selects all runs without a sweep file.

    Raises:
        ValueError: there is no such sweep, or its file is wrong.

    Example:
        >>> sweep_named("single").metric, sweep_named("dtst_fig12_surrogates").metric
        ('test/acc', 'test/acc')
    """
    if name == SINGLE:
        title = "Runs that belong to no sweep file; each row is named by its overrides."
        return SweepFile(
            name=SINGLE, title=title, paper="", artifact="Single runs and grids", factor=(),
            metric="test/acc", unit=None, claims=(), needs=None, rows=(), body={},
        )  # fmt: skip
    return read(find(name))


def read(path: Path) -> SweepFile:
    """Read and check one sweep file.

    Raises:
        ValueError: the file is not valid YAML, a key is missing or unknown, a label does not match `LABEL`, or an override is
            not of the form `key=value`.

    Example:
        >>> sweep = read(find("dtst_fig12_surrogates"))
        >>> sweep.artifact, [row.label for row in sweep.live]
        ('Figure 12', ['ArcTan', 'Sigmoid', 'SoftSign'])
    """
    text = path.read_text(encoding="utf-8")
    title = "\n".join(line[2:] for line in text.splitlines()[: _leading_comments(text)])
    try:
        body = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: must be YAML; {' '.join(str(error).split())}") from None
    if not isinstance(body, dict) or not isinstance(body.get("sweep"), dict):
        raise ValueError(f"{path.name}: must be a mapping with the key sweep; see the sweep files of snnx for examples")
    facts = body["sweep"]
    if unknown := set(facts) - SWEEP_KEYS:
        raise ValueError(f"{path.name}: keys of sweep must be among {sorted(SWEEP_KEYS)}; got {sorted(unknown)}")
    if missing := {"paper", "artifact", "metric"} - set(facts):
        raise ValueError(f"{path.name}: sweep must name {sorted(missing)}")
    hydra = body.get("hydra") or {}
    if set(hydra) - {"sweeper"} or set(hydra.get("sweeper") or {}) - {"params"}:
        raise ValueError(f"{path.name}: hydra must contain only sweeper.params; got {hydra}")
    written = body.pop("rows", None) or {}
    if not isinstance(written, dict):
        raise ValueError(f"{path.name}: rows must be a mapping from labels to rows; got {written}")
    rows = tuple(_row(path, label, row, facts["metric"]) for label, row in written.items())
    written = [claim if isinstance(claim, dict) else {"claim": claim} for claim in facts.get("claims") or []]
    claims = tuple({"metric": facts["metric"], **claim} for claim in written)
    for claim in claims:
        if not {"claim"} <= set(claim) <= {"metric", "claim", "chance", "per"}:
            raise ValueError(
                f"{path.name}: a claim must be a text, or have the key claim, and may have metric, chance and per; got {claim}"
            )
        if claim.get("per", PER_LAYER) != PER_LAYER:
            raise ValueError(f"{path.name}: per of a claim must be {PER_LAYER}, or be left out; got {claim['per']}")
    return SweepFile(
        name=path.stem, title=title, paper=facts["paper"], artifact=facts["artifact"],
        factor=_factor(path, facts.get("factor"), rows), metric=facts["metric"], unit=facts.get("unit"), claims=claims,
        needs=facts.get("needs"), rows=rows, body=body,
    )  # fmt: skip


def _factor(path: Path, value: object, rows: Sequence[Row]) -> tuple[str, ...]:
    factors = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(factor, str) for factor in factors):
        raise ValueError(f"{path.name}: factor must be a group or key that the rows vary, or a list of them; got {value}")
    varied = {word.partition("=")[0] for row in rows for word in row.overrides or ()}
    known = {".".join(key.split(".")[: depth + 1]) for key in varied for depth in range(key.count(".") + 1)}
    if unknown := next((factor for factor in factors if factor not in known), None):
        raise ValueError(f"{path.name}: factor must be a group or key that a row sets; got {unknown}{nearest(unknown, known)}")
    return tuple(factors)


def _leading_comments(text: str) -> int:
    count = 0
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        count += 1
    return count


def _row(path: Path, label: object, row: object, metric: str) -> Row:
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        raise ValueError(f"{path.name}: a row's label must match {LABEL.pattern}; got {label!r}")
    if not isinstance(row, dict) or set(row) - ROW_KEYS:
        given = sorted(row) if isinstance(row, dict) else row
        raise ValueError(f"{path.name}: row {label}: keys must be among {sorted(ROW_KEYS)}; got {given}")
    if ("set" in row) == ("cited" in row):
        raise ValueError(f"{path.name}: row {label}: must have either set (a run) or cited (another author's number)")
    overrides = row.get("set", [])
    if not isinstance(overrides, list) or not all(isinstance(o, str) and "=" in o for o in overrides):
        raise ValueError(f"{path.name}: row {label}: set must be a list of key=value; got {overrides}")
    reported = row.get("reported")
    reported = {} if reported is None else reported if isinstance(reported, dict) else {metric: reported}
    if not all(isinstance(value, int | float) for value in reported.values()):
        raise ValueError(
            f"{path.name}: row {label}: reported must be a number, or one number per metric; got {row['reported']}"
        )
    std = row.get("std")
    if std is not None and not (type(std) in (int, float) and std >= 0):
        raise ValueError(f"{path.name}: row {label}: std must be a number >= 0; got {std}")
    for key in ("n", "test_samples"):
        if row.get(key) is not None and not (type(row[key]) is int and row[key] > 0):
            raise ValueError(f"{path.name}: row {label}: {key} must be an integer > 0; got {row[key]}")
    return Row(
        label=label, overrides=tuple(overrides) if "set" in row else None, reported=reported,
        std=std, n=row.get("n"), test_samples=row.get("test_samples"),
        source=row.get("source"), cited=row.get("cited"), note=row.get("note"),
    )  # fmt: skip

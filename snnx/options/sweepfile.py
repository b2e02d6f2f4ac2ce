"""Reads a sweep file, which describes one table or figure of a paper by rows, reported numbers and claims."""

import shlex
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import yaml

from snnx.options.check_sweep import (
    check_hydra,
    claims_of,
    compared,
    factor_of,
    require_groups_from_the_root,
    require_texts,
    with_twins,
)
from snnx.options.elsewhere import elsewhere
from snnx.options.files import files, is_group
from snnx.options.nearest import nearest
from snnx.options.read_text import read_text
from snnx.options.received import check_content
from snnx.options.row import Row, row_of
from snnx.options.strict_yaml import load, why
from snnx.options.tune import Tune, tune
from snnx.record.job import SINGLE
from snnx.record.visible import visible

SWEEP_KEYS = {"paper", "artifact", "factor", "metric", "unit", "claims", "needs", "tune", "reference", "break_even"}
TAKEN = ("runs", SINGLE, "show")
"""Folders of `outputs/` that do not belong to a sweep, in small letters, since some file systems ignore capitals."""


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
    claims: tuple[dict, ...]  # each has metric and claim, and may have chance (rows that should learn nothing) and per
    needs: str | None  # what a machine needs to run the sweep at the paper's scale, for example a GPU
    reference: str | None  # label of the row whose relative energy is 1; None if there is none
    break_even: str | None  # label of the row without spikes, with whose energy that of the others is compared; or None
    rows: tuple[Row, ...]  # in the order of the file; each row that is tuned is followed by its tuned twin
    tune: Tune | None  # how rows are searched; None if they are not
    body: dict  # the file's content for Hydra, without `rows` and `tune`

    def start(self, scale: str = "small") -> str:
        """Return the command that starts the sweep."""
        sweep = shlex.quote(f"sweep={self.name}")  # the name is that of a file, which may come from somebody else
        return "snnx -m neuron=if,lif" if self.name == SINGLE else f"snnx -m {sweep} scale={scale}"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that the file lists, as in `seed: "0,1,2"`; empty if it lists none."""
        params = ((self.body.get("hydra") or {}).get("sweeper") or {}).get("params") or {}
        return tuple(int(seed) for seed in str(params.get("seed", "")).split(",") if seed.strip().isdigit())

    @property
    def live(self) -> tuple[Row, ...]:
        """The rows that can be launched by `row=`."""
        return tuple(row for row in self.measured if row.tuned_from is None)

    @property
    def may_differ(self) -> list[str]:
        """The groups and keys in which rows differ on purpose: the factor, and what is tuned for each row."""
        return [*self.factor, *(self.tune.keys if self.tune else ())]

    @property
    def measured(self) -> tuple[Row, ...]:
        """The rows that can have runs: those that can be launched, and their tuned twins, which a search launches."""
        return tuple(row for row in self.rows if row.overrides is not None)

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """The settings of each row that can be launched, by its label."""
        return {row.label: row.overrides for row in self.live}


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
        hint = elsewhere(f"sweeps/{name}.yaml") or nearest(name, known)
        raise ValueError(f"sweep must be one of the {len(known)} that snnx --help lists; got {name}{hint}")
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
            metric="test/acc", unit=None, claims=(), needs=None, reference=None, break_even=None, rows=(), tune=None, body={},
        )  # fmt: skip
    return read(find(name))


def read(path: Path) -> SweepFile:
    """Read and check one sweep file.

    Raises:
        ValueError: the file is not valid YAML, a key is missing or unknown, a label does not match `LABEL`, or an override is
            not of the form `key=value`; see also `read_text`.

    Example:
        >>> sweep = read(find("dtst_fig12_surrogates"))
        >>> sweep.artifact, [row.label for row in sweep.live]
        ('Figure 12', ['ArcTan', 'Sigmoid', 'SoftSign'])
    """
    return _read(path, read_text(path))


@lru_cache(maxsize=1)  # several parts of a command read the chosen sweep, and thousands of rows take seconds
def _read(path: Path, written: str) -> SweepFile:
    title = visible("\n".join(line[2:] for line in written.splitlines()[: _leading_comments(written)]))
    try:
        body = visible(load(written))
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: must be YAML; {why(error)}") from None
    if not isinstance(body, dict) or not isinstance(body.get("sweep"), dict):
        raise ValueError(f"{path.name}: must be a mapping with the key sweep; see the sweep files of snnx for examples")
    check_content({key: value for key, value in body.items() if key != "hydra"}, path.name)
    require_groups_from_the_root(path, body.get("defaults"))
    facts = body["sweep"]
    if unknown := next((key for key in facts if key not in SWEEP_KEYS), None):
        known = sorted(SWEEP_KEYS)
        raise ValueError(
            f"{path.name}: keys of sweep must be among {', '.join(known)}; got {unknown}{nearest(str(unknown), known)}"
        )
    if other := next((key for key in body if key != "rows" and not is_group(str(key)) and nearest(str(key), ["rows"])), None):
        raise ValueError(f"{path.name}: the rows must be below the key rows; got {other}; did you mean rows?")
    if missing := {"paper", "artifact", "metric"} - set(facts):
        raise ValueError(f"{path.name}: sweep must name {sorted(missing)}")
    require_texts(f"{path.name}: sweep", facts, ["paper", "artifact", "metric", "unit", "needs"])
    check_hydra(path, body.get("hydra") or {})
    if path.stem.casefold() in TAKEN:
        raise ValueError(f"{path.name}: a sweep must not be named like another folder of outputs/; got {path.stem}: rename it")
    written = body.pop("rows", None) or {}
    if not isinstance(written, dict):
        raise ValueError(f"{path.name}: rows must be a mapping from labels to rows; got {written}")
    rows = tuple(row_of(label, row, facts["metric"], path.name) for label, row in written.items())
    searched = facts.pop("tune", None)
    if searched is not None:
        searched = tune(searched, [row.label for row in rows if row.overrides is not None], path.name)
    return SweepFile(
        name=path.stem, title=title, paper=facts["paper"], artifact=facts["artifact"],
        factor=factor_of(path, facts.get("factor"), rows), metric=facts["metric"], unit=facts.get("unit"),
        claims=claims_of(path, facts.get("claims"), facts["metric"]),
        needs=facts.get("needs"), reference=compared(path, facts, "reference", rows),
        break_even=compared(path, facts, "break_even", rows),
        rows=with_twins(path, rows, searched), tune=searched, body=body,
    )  # fmt: skip


def _leading_comments(text: str) -> int:
    count = 0
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        count += 1
    return count

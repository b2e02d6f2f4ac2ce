"""The page of compared systems names options that exist, and lists every cited row of the papers' sweeps once."""

import re
from collections import Counter
from pathlib import Path

import pytest

from snnx.options import sweepfile
from snnx.options.files import files
from snnx.report.pages.index import PAPERS

PAGE = Path(__file__).parents[2] / "docs" / "systems.md"
TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| system")
]
QUOTED = re.compile(r"`([^`]+)`")


def test_every_cited_row_of_the_papers_is_listed_once():
    sweeps = [sweepfile.read(sweepfile.find(name)) for name in sweepfile.names()]
    cited = {f"{sweep.name}: {row.label}" for sweep in sweeps if sweep.paper in PAPERS for row in sweep.rows if row.cited}
    listed = Counter(row for *_, rows, _ in TABLE for row in QUOTED.findall(rows))
    assert set(listed) == cited
    assert max(listed.values()) == 1


@pytest.mark.parametrize("cells", TABLE, ids=lambda cells: cells[0].split(" (")[0])
def test_a_system_names_options_that_exist_and_its_status(cells):
    _, options, status, source, *_ = cells
    for option in QUOTED.findall(options):
        group, _, name = option.partition("=")
        assert name in files(group), option
    assert status in ("runs", "in part", "cited")
    assert bool(options) == (status != "cited"), "a system that is only cited has no option, and any other has one"
    assert source


def test_a_system_that_runs_has_a_recipe_or_is_a_part():
    """Its recipe is the row of a future table; systems that are a single part, or parts of one network, have none."""
    without = {cells[0].split(" (")[0] for cells in TABLE if cells[2] == "runs" and "`recipe=" not in cells[1]}
    assert without == {"TEBN"}


def test_commands_and_sweeps_of_the_page_exist():
    named = re.findall(r"`snnx -m sweep=(\w+)", PAGE.read_text(encoding="utf-8"))
    assert named
    assert set(named) <= set(sweepfile.names())

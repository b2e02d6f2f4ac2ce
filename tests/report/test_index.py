"""The page that summarises the record: it names every sweep, and the committed one is up to date."""

import json
from collections import Counter

import pytest

from snnx.command.results import main
from snnx.options import sweepfile
from snnx.options.folders import shipped
from snnx.options.sweepfile import find, read
from snnx.report.pages.index import PAPERS, page

DOCS = shipped("sweeps").parent / "docs" / "results"


def test_committed_page_is_up_to_date():
    assert (DOCS / "README.md").read_text(encoding="utf-8") == page(DOCS), "run make results to update the page"


def test_every_sweep_is_on_the_page(tmp_path):
    recorded, nothing = page(DOCS), page(tmp_path)
    for name in sweepfile.names():
        assert f"[{name}]({name}.md)" in recorded or f"`snnx -m sweep={name}`" in recorded
        assert f"`snnx -m sweep={name}`" in nothing
        assert (needs := read(find(name)).needs) is None or f"`snnx -m sweep={name}`, which needs {needs}" in nothing
    papers = {read(find(name)).paper for name in sweepfile.names()}
    assert set(PAPERS) <= papers


def test_a_table_row_counts_rows_and_claims():
    line = next(line for line in page(DOCS).splitlines() if line.startswith("| [dtst_fig10_neurons]"))
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    sweep = read(find("dtst_fig10_neurons"))
    ran, rows = map(int, cells[3].split(" of "))
    runs = [json.loads(line) for line in (DOCS / "dtst_fig10_neurons" / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    seeds = Counter((run["row"], run["further"]) for run in runs if run["scale"] == cells[2])
    assert cells[4] == " to ".join(str(number) for number in sorted(set(seeds.values())))
    assert cells[1] == "Figure 10"
    assert 4 <= ran <= rows == len(sweep.live)
    assert sum(map(int, cells[5:8])) == len(sweep.claims)


@pytest.mark.parametrize(
    ("status", "reason"),
    [("no data", ", whose data set was not on the machine"), ("failed", " (runs so far: failed)"), (None, "")],
)
def test_a_row_without_a_done_run_is_listed_with_its_command(tmp_path, done, status, reason):
    """Row SoftSign ended without data, failed, or was never started."""
    runs = [done(row, 0, 0.5, sweep="dtst_fig12_surrogates", scale="small") for row in ("ArcTan", "Sigmoid")]
    runs += [done("SoftSign", 0, None, sweep="dtst_fig12_surrogates", scale="small", status=status)] if status else []
    file = tmp_path / "dtst_fig12_surrogates" / "runs.jsonl"
    file.parent.mkdir()
    file.write_text("".join(json.dumps(run) + "\n" for run in runs))
    assert f"- Figure 12, 1 of 3 rows: `snnx -m sweep=dtst_fig12_surrogates row=SoftSign`{reason}\n" in page(tmp_path)


def test_the_command_writes_the_page(tmp_path, capsys):
    docs = tmp_path / "docs"
    assert main(["--docs", str(docs)]) == 2
    assert f"--docs must be the folder of the record, such as docs/results; got {docs}\n" in capsys.readouterr().err
    docs.mkdir()
    assert main(["--docs", str(docs)]) == 0
    assert capsys.readouterr().out == f"{docs}/README.md\n"
    assert (docs / "README.md").read_text().startswith("# Results\n")
    (docs / "demo_neurons").mkdir()
    (docs / "demo_neurons" / "runs.jsonl").write_text("{}\n")
    assert main(["--docs", str(docs)]) == 2
    assert f"snnx results: {docs}/demo_neurons/runs.jsonl:1: a result must have status" in capsys.readouterr().err

"""The command `snnx report`."""

import json
import os
import re
import subprocess
import sys

import pytest

from snnx.command.report import main

NAME = "dtst_fig10_neurons"


@pytest.fixture
def report(outputs, docs):
    return lambda *words: main([*words, "--outputs", str(outputs), "--docs", str(docs)])


def test_prints_the_table_and_writes_all_files(report, leave, done, outputs, docs, capsys):
    for seed in (0, 1):
        for row, value in (("PLIF", 0.82), ("LIF", 0.81)):
            leave(NAME, f"{row},seed={seed},scale=small", done(row, seed, value + seed / 100))
    assert report(NAME) == 0
    out = capsys.readouterr().out
    assert re.search(r"PLIF +│.* 0\.8250 ± 0\.0071 \(n=2\) │.* small ", out)
    assert re.search(r"PLIF > LIF .*│ \+0\.0100 \[-0\.0106, \+0\.0306\]", out)  # 0.01 ± 2.920 √(2 * 0.00005 / 2)
    assert "compared sample by sample" in out
    written = {path.name for path in (outputs / NAME / "report").iterdir()}
    assert written == {"report.md", "table.csv", "report.html", "curves.png"}
    assert all(str(outputs / NAME / "report" / name) in out for name in written)
    assert not docs.exists()


def test_reports_a_grid_without_a_sweep_file(report, leave, done, capsys):
    assert report("single") == 1
    assert "no runs of single yet; start: snnx -m neuron=if,lif" in capsys.readouterr().out
    for neuron in ("if", "lif"):
        for seed, accuracy in enumerate((0.8, 0.9)):
            facts = done("", seed, accuracy, scale="paper", group=neuron, hash=f"{neuron}{seed}")
            leave("single", f"seed={seed},neuron={neuron}", facts)
    assert report("single") == 0
    out = capsys.readouterr().out
    for neuron in ("if", "lif"):
        assert re.search(rf"neuron={neuron} .*0.8500 ± 0.0707 \(n=2\)", out)


def test_scale_option_includes_runs_with_overridden_factors(report, leave, done, capsys):
    leave(NAME, "PLIF,seed=0,scale=small,budget.width=0.5", done("PLIF", 0, 0.8, scale="small, budget.width=0.5"))
    leave(NAME, "PLIF,seed=0", done("PLIF", 0, 0.9, scale="paper"))
    assert report(NAME, "--scale", "small") == 0
    out = capsys.readouterr().out
    assert "0.8000" in out
    assert "0.9000" not in out


def test_record_contains_all_scales_even_if_one_is_printed(report, leave, done, docs, capsys):
    leave(NAME, "PLIF,seed=0,scale=small", done("PLIF", 0, 0.8))
    leave(NAME, "PLIF,seed=0", done("PLIF", 0, 0.9, scale="paper"))
    assert report(NAME, "--scale", "small", "--record") == 0
    assert "0.9000" not in capsys.readouterr().out
    lines = (docs / NAME / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["scale"] for line in lines] == ["paper", "small"]
    assert (docs / f"{NAME}.md").is_file()


def test_report_from_the_record_alone(report, leave, done, docs, tmp_path, capsys):
    leave(NAME, "PLIF,seed=0,scale=small", done("PLIF", 0, 0.8))
    report(NAME, "--record")
    assert main([NAME, "--outputs", str(tmp_path / "clone"), "--docs", str(docs)]) == 0
    assert (tmp_path / "clone" / NAME / "report" / "report.html").is_file()


def test_reporting_twice_gives_the_same_file(report, leave, done, outputs):
    leave(NAME, "PLIF,seed=0,scale=small", done("PLIF", 0, 0.8))
    report(NAME)
    before = (outputs / NAME / "report" / "report.html").read_bytes()
    report(NAME)
    assert (outputs / NAME / "report" / "report.html").read_bytes() == before


def test_unknown_sweep_exits_2_with_one_line(report, capsys):
    assert report("fig99") == 2
    err = capsys.readouterr().err
    assert err.startswith("snnx report: sweep must be one of ")
    assert err.count("\n") == 1


def test_without_runs_it_exits_1_and_prints_the_command_that_starts_them(report, leave, done, capsys):
    assert report(NAME) == 1
    assert capsys.readouterr().out == f"snnx report: no runs of {NAME} yet; start: snnx -m sweep={NAME} scale=small\n"
    leave(NAME, "PLIF,seed=0,scale=small", done("PLIF", 0, 0.8))
    assert report(NAME, "--scale", "paper") == 1
    assert f"no runs of {NAME} at scale paper yet; start: snnx -m sweep={NAME} scale=paper" in capsys.readouterr().out


def test_help_ends_with_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out.rstrip().endswith("example: snnx report dtst_fig10_neurons --record")


def test_brackets_in_cells_are_printed_literally(report, leave, done, capsys):
    facts = done("PLIF", 0, 0.8, group="g", hash="h")
    leave(NAME, "PLIF,seed=0,scale=small,metric=[firing_rate,potential]", facts)
    assert report(NAME) == 0
    assert "all runs have metric=[firing_rate,potential]" in capsys.readouterr().out


def test_importing_the_command_loads_neither_torch_nor_hydra_nor_matplotlib():
    code = "import sys, snnx.command.report; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "hydra", "omegaconf", "matplotlib", "scipy"} & set(loaded)


def test_row_option_narrows_the_printed_table_but_not_the_files(leave, done, outputs, docs, capsys):
    for row in ("IF", "LIF", "PLIF", "KLIF"):
        leave("demo_neurons", f"{row},seed=0,scale=smoke", done(row, 0, 0.5, scale="smoke"))
    assert main(["demo_neurons", "--row", "IF,LIF", "--scale", "smoke", "--outputs", str(outputs), "--docs", str(docs)]) == 0
    printed = capsys.readouterr().out
    assert "IF" in printed
    assert "KLIF" not in printed
    assert "missing" not in printed
    report = (outputs / "demo_neurons" / "report" / "report.md").read_text()
    assert "KLIF" in report
    assert "missing" not in report


def test_formats_for_a_paper(report, leave, done, outputs, docs, capsys):
    for row, value in (("PLIF", 0.82), ("LIF", 0.81)):
        leave(NAME, f"{row},seed=0,scale=small", done(row, 0, value))
    assert report(NAME, "--format", "latex", "--format", "pdf", "--format", "card") == 0
    folder = outputs / NAME / "report"
    assert (folder / "curves.pdf").read_bytes().startswith(b"%PDF")
    tables, card = (folder / "tables.tex").read_text(), (folder / "card.md").read_text()
    assert re.search(r"^PLIF &.* 0\.8200 \(n=1\) &.* small & 1 done \\\\$", tables, re.MULTILINE)
    assert tables.count(r"\toprule") == tables.count(r"\begin{table}") == tables.count(r"\end{table}") > 2
    assert "- **Splits**: 54,000 train, 6,000 val, 10,000 test" in card
    assert "- **Seeds**: 1 for each row" in card
    assert "- **Test samples**: not all runs record which samples were correct" in card
    assert "- **Failures**: none" in card


@pytest.mark.parametrize("command", ["report", "status"])
def test_a_closed_output_pipe_is_no_error(leave, done, outputs, command):
    """Such as that of `| head`; a sweep ends with a report, and its exit code is that of its runs."""
    leave("demo_neurons", "LIF,seed=0", done("LIF", 0, 0.9))
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "snnx", command, "demo_neurons", "--outputs", str(outputs)]
    ended = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "")

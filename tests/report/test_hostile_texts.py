"""Texts of files from somebody else control neither a terminal nor a page."""

import csv
import io
import json
import re
import shlex
from dataclasses import replace

import pytest
from own_folder import refusal, write

from snnx.command import replay, report, status
from snnx.options.sweepfile import sweep_named
from snnx.report.data.again import again
from snnx.report.data.other_code import code_remarks
from snnx.report.data.runs import collect
from snnx.report.pages import card, index
from snnx.report.pages.markdown import document
from snnx.report.results import work_out
from snnx.report.tables.comma_separated import comma_separated

NAME = "demo_neurons"
ESC = "\x1b"  # begins the commands of a terminal
SWEEP = """\
# A figure.
sweep: {paper: own, artifact: "T\\e[2J", metric: test/acc, claims: [A > B]}
rows:
  A: {set: [neuron=lif], source: "\\e]0;title\\a", note: "\\e[31m"}
  B: {set: [neuron=if]}
"""


@pytest.fixture
def recorded(docs, done):
    """A function that writes a record with one run, whose result has the given entries changed."""

    def recorded(**changes: object) -> str:
        write(
            docs, f"{NAME}/runs.jsonl", json.dumps(done("LIF", 0, 0.9, sweep=NAME, further="", overrides=[]) | changes) + "\n"
        )
        return str(docs)

    return recorded


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("conf/neuron/mine.yaml", '_target_: "\\e[2J"\n_partial_: true\n', ["neuron=mine"]),
        ("conf/recipe/mine.yaml", '# @package _global_\ndefaults: ["hydra\\e[2J"]\n', ["recipe=mine"]),
        ("sweeps/mine.yaml", 'sweep: {paper: x, artifact: y, metric: z, reference: "\\e[2J"}\n', ["report", "mine"]),
    ],
)
def test_an_error_shows_the_control_characters_that_it_repeats(tmp_path, path, text, words):
    error = refusal(write(tmp_path, path, text).parents[len(path.split("/")) - 1], *words)
    assert r"\x1b[2J" in error
    assert ESC not in error


def test_a_report_shows_the_control_characters_of_a_sweep_file(tmp_path, monkeypatch, leave, done, outputs, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "sweeps/mine.yaml", SWEEP)
    leave("mine", "A,seed=0", done("A", 0, 0.9))
    assert report.main(["mine", "--outputs", str(outputs)]) == 0
    printed = capsys.readouterr().out
    assert ESC not in printed
    assert r"\x1b]0;title\x07" in printed


EVIL = "<script>x</script> ![x](http://x)"


def test_the_comment_of_a_sweep_file_controls_no_page(tmp_path, monkeypatch, leave, done, outputs, capsys):
    monkeypatch.chdir(tmp_path)
    comment = f"# T\u202e {EVIL}\n# ``` {EVIL}\n# about {EVIL}\n"
    write(tmp_path, "sweeps/mine.yaml", comment + SWEEP[SWEEP.index("sweep:") :])
    leave("mine", "A,seed=0", done("A", 0, 0.9))
    assert report.main(["mine", "--outputs", str(outputs), "--format", "card", "--format", "latex"]) == 0
    assert "\u202e" not in (printed := capsys.readouterr().out)
    assert r"T\u202e <script>" in printed
    for name in ("report.md", "card.md", "tables.tex", "report.html"):
        text = (outputs / "mine" / "report" / name).read_text()
        assert "\u202e" not in text
        outside = re.sub("^```\n.*?^```\n", "", text, flags=re.MULTILINE | re.DOTALL)
        assert name == "tables.tex" or "<script>x" not in outside
        assert not name.endswith(".md") or "![x]" not in outside


def test_the_page_of_all_results_has_neither_html_nor_pictures_of_a_sweep_file(tmp_path, monkeypatch, docs, done):
    monkeypatch.chdir(tmp_path)
    for name, needs in (("mine", EVIL), ("other", "nothing")):
        facts = f'sweep: {{paper: own, artifact: "{EVIL}", metric: test/acc, needs: "{needs}"}}\n'
        write(tmp_path, f"sweeps/{name}.yaml", f"{facts}rows: {{A: {{set: [neuron=lif]}}, B: {{set: [neuron=if]}}}}\n")
    write(docs, "other/runs.jsonl", json.dumps(done("A", 0, 0.9, sweep="other")) + "\n")
    text = index.page(docs)
    assert text.count("&lt;script>x") == 4
    assert "<script" not in text
    assert "![x]" not in text


@pytest.mark.parametrize("text", ["[/x]", "[bold", "[link=http://x]y[/]"])
def test_status_prints_brackets_as_they_are(leave, done, outputs, capsys, text):
    leave(NAME, f"LIF,seed=0,scale={text.replace('/', '')}", done("LIF", 0, 0.9, scale=text))
    (outputs / "runs" / "[b]").mkdir()
    (outputs / NAME / "IF,seed=0").symlink_to("../runs/[b]")
    assert status.main([NAME, "--outputs", str(outputs)]) == 0
    printed = capsys.readouterr().out
    assert text in printed
    assert f"IF,seed=0: must be a link to a run in {outputs}/runs; got a link to ../runs/[b]" in printed


HARM = "; touch harm"


def test_no_command_that_a_report_shows_does_more_than_repeat_a_run(leave, done, outputs, docs, sweep):
    """The command of a received result is not repeated; its overrides are quoted, and set what a row may set."""
    old = {"physics": {"neuron": {"_target_": "snnx.neuron.lif.LIF"}}, "code": "0123456789abcdef", "command": f"snnx{HARM}"}
    words = ["neuron=plif", f"label=x{HARM}", f"neuron.tau=2{HARM}", "--config-dir=evil", "hydra.run.dir=/", f"-m{HARM}"]
    leave("single", "seed=0,neuron=plif", done("", 0, 0.9, overrides=words, **old))
    leave(
        "fig", f"A,seed=0,scale=x,budget.a=b{HARM},--config-dir=evil,y={HARM}", done("A", 0, 0.9, scale=f"small{HARM}", **old)
    )
    for name, expected in (
        ("single", ["snnx", "neuron=plif", f"neuron.tau=2{HARM}"]),
        ("fig", ["snnx", "-m", "sweep=fig", f"scale=small{HARM}", f"y={HARM}"]),
    ):
        runs = collect(name, outputs, docs)
        told = again(sweep if name == "fig" else sweep_named("single"), runs)
        assert shlex.split(told.partition(" again: ")[2]) == expected
        assert told in "".join(code_remarks(sweep if name == "fig" else sweep_named("single"), runs))


def test_replay_shows_no_command_with_refused_words(recorded, capsys):
    assert replay.main([NAME, "--docs", recorded(overrides=["neuron=lif", "--config-dir=evil"])]) == 1
    assert "snnx neuron=lif" not in (printed := capsys.readouterr().out)
    assert "row LIF: a key must consist of letters, digits and _, as in neuron.tau; got --config-dir" in printed


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t"])
def test_a_spreadsheet_computes_no_text_of_a_table(leave, done, outputs, docs, sweep, sign):
    evil = f"{sign}cmd|' /C calc'!A0"
    layers = {evil: {evil: {evil: [-0.3]}}}
    values = {"metrics": {"val/acc": -0.3}, "scale": evil, "layers": layers}
    leave("fig", f"{evil.replace('/', '')},seed=0", done("A", 0, None) | values)
    cited = [replace(row, cited=evil) if row.cited else row for row in sweep.rows]
    results = work_out(replace(sweep, rows=tuple(cited)), collect("fig", outputs, docs))
    for text, number in (comma_separated(results.sweep, results.lines), "-30.0"), (results.layers, "-0.3"):
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert number in cells
        assert not [cell for cell in cells if cell.startswith(sign) and cell != number]
        assert f"'{evil}" in cells


def test_replay_shows_control_characters(recorded, capsys):
    assert replay.main([NAME, "--docs", recorded(row="\x1b[2J", overrides=["neuron=\x1b[2J"])]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith(r"[failed] \x1b[2J seed=0")
    assert ESC not in printed


@pytest.mark.parametrize(
    "word", ["hydra.searchpath=[file:///tmp]", "+hydra.callbacks.x={}", "hydra/launcher=basic", "search={}"]
)
def test_replay_sets_no_key_of_the_command_line(recorded, capsys, word):
    assert replay.main([NAME, "--docs", recorded(overrides=[word])]) == 1
    assert "row LIF: " in (printed := capsys.readouterr().out)
    assert "must be set on the command line only: leave it out" in printed


@pytest.mark.parametrize("changes", [{"status": None}, {"overrides": "x"}, {"physics": 5}], ids=str)
def test_replay_names_a_damaged_line(recorded, capsys, changes):
    docs = recorded(**changes)
    assert replay.main([NAME, "--docs", docs]) == 2
    assert f"{docs}/{NAME}/runs.jsonl:1: {next(iter(changes))} must be of type" in capsys.readouterr().err


def test_markdown_has_neither_html_nor_pictures_of_a_result(leave, done, outputs, docs, sweep):
    evil = "<script>x</script>\n\n# A\n![x](http://x)|"
    facts = {"device": evil, "versions": {evil: evil}, "command": f"`{evil}`", "warnings": [evil], "scale": evil}
    leave("fig", "A,seed=0", done("A", 0, 0.9) | facts | {"git": {"commit": evil}, "data": {"name": evil, "test": 5}})
    leave("fig", f"{evil.replace('/', '')},seed=0", done("Z", 0, 0.9))
    leave("fig", "B,seed=0", done("B", 0, None, status="failed", error={"type": evil, "message": evil}))
    results = work_out(sweep, collect("fig", outputs, docs))
    for text in (document(results), card.document(results)):
        outside = "\n".join(line for line in text.splitlines() if not line.startswith("- command: `"))
        assert "<script" not in outside
        assert "![x]" not in outside
        assert "\n# A\n" not in text

"""A run whose settings are no longer those of the files is named, wherever the setting stands."""

import pytest

from snnx.command import status
from snnx.options.sweepfile import read
from snnx.record.source import digest, sources
from snnx.report.data.changed_rows import ChangedRows
from snnx.report.data.doubts import Doubts
from snnx.report.data.lines import lines
from snnx.report.data.runs import collect

FILE = (
    "# Two neurons.\n#   snnx -m sweep=fig\ndefaults: [{override /recipe: dta_mnist}]\ntimesteps: 6\n"
    "sweep: {paper: demo, artifact: Two neurons, metric: test/acc}\n"
    "rows:\n  A: {set: [neuron=if]}\n  B: {set: ['neuron=lif', 'neuron.tau=3', init=torch_default]}\n"
)


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "fig.yaml").write_text(FILE)
    return ChangedRows(read(tmp_path / "fig.yaml"))


@pytest.mark.parametrize(
    ("row", "had", "words", "found"),
    [
        ("A", {"neuron": {"v_threshold": 0.5}}, (), ["neuron.v_threshold: 0.5 → 1.0"]),  # in the option's file
        ("A", {"timesteps": 4}, (), ["timesteps: 4 → 6"]),  # in the sweep file
        ("A", {"trainer": {"max_epochs": 3}}, (), ["trainer.max_epochs: 3 → 150"]),  # in the recipe
        ("B", {"neuron": {"tau": 2.0}}, (), ["neuron.tau: 2.0 → 3"]),  # in the row
        ("B", {"neuron": {"tau": 3.0}}, (), []),
        ("B", {"neuron": {"tau": 2.0}}, ("neuron.tau=2",), []),  # of the command line
        ("A", {"timesteps": 4, "neuron": {"v_threshold": 0.5}}, ("timesteps=4",), ["neuron.v_threshold: 0.5 → 1.0"]),
        ("A", {"neuron": {"_target_": "snnx.neuron.plif.PLIF"}}, ("neuron=plif", "neuron.tau=2"), []),
        ("A", {"budget": {"epochs": 0.5}}, ("scale=small",), ["budget.epochs: 0.5 → 0.34"]),  # in the scale
        ("A", {"init": {"distribution": "uniform"}}, (), ["init.distribution: uniform → normal"]),
        ("B", {"init": {"distribution": "uniform"}}, (), []),  # meant for the option that the row replaces
        ("C", {"timesteps": 4}, (), []),  # a row that is no longer in the file
    ],
)
def test_each_file_is_compared(rows, row, had, words, found):
    assert rows.changes({"row": row, "physics": had, "overrides": ["seed=0", f"row={row}", *words]}) == found


def test_a_component_that_is_replaced_is_named_without_its_settings(rows):
    had = {"neuron": {"_target_": "snnx.neuron.klif.KLIF", "v_threshold": 0.5, "tau": 9.0}}
    assert rows.changes({"row": "B", "physics": had}) == ["neuron: snnx.neuron.klif.KLIF → snnx.neuron.lif.LIF"]


def test_status_names_them(tmp_path, outputs, docs, leave, done, monkeypatch, capsys):
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "fig.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    for seed, tau in enumerate((2.0, 3.0)):
        leave("fig", f"B,seed={seed}", done("B", seed, 0.8, physics={"neuron": {"tau": tau}}))
    assert status.main(["fig", "--outputs", str(outputs), "--docs", str(docs)]) == 0
    line = "1 of 2 results have other settings than the files now give, as B, seed 0, small: neuron.tau: 2.0 → 3; run the sweep"
    assert line in capsys.readouterr().out


def test_a_mean_over_two_codes_is_named_beside_a_claim(tmp_path, outputs, docs, leave, done):
    (tmp_path / "fig.yaml").write_text(FILE)
    lif = {"neuron": {"_target_": "snnx.neuron.lif.LIF", "tau": 3.0}}
    for seed, code in enumerate((digest(sources(lif)), "0123456789abcdef")):
        leave("fig", f"B,seed={seed}", done("B", seed, 0.8, physics=lif, code=code))
    (line,) = (line for line in lines(["A", "B"], collect("fig", outputs, docs)) if line.row == "B")
    doubts = Doubts(read(tmp_path / "fig.yaml"))
    assert doubts.against({"B": line}) == {"B": "has 1 of 2 results from other code than the present"}

"""`snnx bench` measures, prints tables, and writes files."""

import json

import pytest

from snnx.bench import small_runs
from snnx.bench.gpu import SMOKE
from snnx.command.bench import MEASUREMENTS, main


def test_layers(tmp_path, capsys):
    file = tmp_path / "layers.json"
    assert main(["layers", "--rounds", "3", "--threads", "1", "--shape", "3,2,8", "--json", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "[3, 2, 8]" in shown
    assert "snnx TTFS" in shown
    written = json.loads(file.read_text())
    assert written["layers"]["shapes"][0]["shape"] == [3, 2, 8]
    assert len(written["layers"]["shapes"][0]["seconds"]["ReLU"]) == 3


@pytest.mark.faults  # two minutes; the measurements have tests of their own
def test_all_with_record_writes_page_figures_and_results(tmp_path, capsys):
    docs = tmp_path / "docs"
    assert main(["all", "--smoke", "--threads", "1", "--record", "--docs", str(docs)]) == 0
    assert sorted(path.name for path in docs.iterdir()) == ["README.md", "layers.png", "results.json", "steps.png"]
    page, results = (docs / "README.md").read_text(), json.loads((docs / "results.json").read_text())
    assert set(results) == {"facts", *MEASUREMENTS}
    for word in ("snnx bench all --smoke", "1 threads", "torch 2", "snnx TTFS", "bfloat16", "latency_log", "further job"):
        assert word in page, word
    assert results["growth"]["cold"][0] > results["growth"]["warm"][0], "with an empty cache, the code must be compiled"
    found = results["durability"]
    assert found["runs"] == 1
    assert all(value > 0 for what in ("again", "status", "status of many", "report") for value in found[what])
    assert len(found["composing"]) == 1
    assert 0.5 < found["interrupted"][0]["interrupted"] / found["interrupted"][0]["whole"] < 10


@pytest.mark.faults  # twenty seconds
def test_sweeps_of_small_runs_are_timed():
    """On a CPU, as a GPU would be measured."""
    measured = small_runs.measure(**SMOKE["small"], accelerator="cpu")
    assert [(device, at_once) for device, at_once, _ in measured["seconds"]] == [("cpu", 1), ("cpu", 2)]
    assert all(seconds > 0 for *_, seconds in measured["seconds"])


def test_verdicts_have_their_own_page(tmp_path, capsys):
    assert main(["verdicts", "--smoke", "--record", "--docs", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["verdicts.json", "verdicts.md"]
    assert "# Benchmark: verdicts" in (tmp_path / "verdicts.md").read_text()
    assert "verdicts" not in MEASUREMENTS


def test_wrong_values(capsys):
    assert main(["layers", "--rounds", "0"]) == 2
    assert "rounds and threads must be at least 1; got 0" in capsys.readouterr().err
    assert main(["layers", "--record"]) == 2
    assert (
        "--record must be used with all, verdicts or gpu, whose pages contain every measurement; got layers"
        in capsys.readouterr().err
    )
    with pytest.raises(SystemExit):
        main(["neurons"])
    assert "invalid choice" in capsys.readouterr().err

"""The dashboard's HTML file: its contents, and that it is self-contained and updated while runs are active."""

import argparse
import fcntl
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from snnx.command import dashboard, main
from snnx.dashboard.chart_data import chart_data
from snnx.dashboard.page import page
from snnx.dashboard.workspace import save_workspace, workspace
from snnx.options.sweepfile import find, read
from snnx.report.data.runs import collect
from snnx.report.results import work_out

ERROR = {"type": "Bad<b>", "message": "<script>alert(1)</script>", "traceback": "</script><script>alert(2)</script>"}
LAYERS = {
    "firing_rate": {"test": {"sn1": [0.1, 0.3], "sn2": [0.4, None]}},
    "potential_histogram": {"test": {"sn1": [1]}},
}


@pytest.fixture
def made(leave, done, outputs, docs, sweep):
    """Results in which row A has a done and a failed run, and row B a run that is active, because its lock is held."""
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers=LAYERS))
    failed = leave("fig", "A,seed=1,scale=small", done("A", 1, None, status="failed", error=ERROR, curves=None))
    (failed / "metrics.csv").write_text("epoch,val/acc\n1,0.25\n2,\n")
    busy = leave("fig", "B,seed=0,scale=small", None, hash="b0")
    (busy / "metrics.csv").write_text("epoch,val/acc,train/loss\n1,0.5,2.0\n2,0.625,nan\n")
    (busy / "progress.json").write_text(json.dumps({"done": 0.5, "left_s": 100.0, "epoch": 3, "epochs": 4, "val/acc": 0.625}))
    with (busy / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield work_out(sweep, collect("fig", outputs, docs))


def test_data_of_the_charts(made, outputs):
    """Curves are read from a run's result, or from metrics.csv if it has none; layers are averaged over time steps."""
    found = json.loads(chart_data(made, outputs))
    a, b = found["lines"][0], found["lines"][-1]
    assert a["curves"]["val/acc"] == [[0.5, 0.8], [0.25, None]]
    assert a["counted"] == [True, False]
    assert b["curves"] == {"val/acc": [[0.5, 0.625]], "train/loss": [[2.0, None]]}
    assert a["paper"] == {"val/acc": 0.915}
    assert a["layers"] == {"firing_rate": [[0.2, 0.4], []]}
    assert (found["names"], found["scales"]) == ({"firing_rate": ["sn1", "sn2"]}, ["small"])


def test_table_has_every_row_and_seed(made, outputs):
    text = page(made, outputs, live=True)
    rows = re.findall(r'<tr><th scope="row">(\w+)</th><td class="r" data-value="(\d)">.*?<span class="([\w-]+)">', text)
    assert rows == [("A", "0", "done"), ("A", "1", "failed"), ("B", "0", "running"), ("B", "1", "not-started")]
    assert '<progress value="0.5000"' in text
    assert "1 min 40 s left" in text
    assert "<b>1 of 4 done</b>, 1 running, 1 failed, 1 not started" in text
    assert 'data-value="0.625">0.6250<' in text, "the latest value of the active run"


def test_page_is_self_contained_and_escapes_error_messages(made, outputs):
    text = page(made, outputs, live=False)
    assert not re.findall(r'(?:src|href)="|@import|url\(|https?://(?!www\.w3\.org/2000/svg)', text)
    assert len(re.findall(r"<script[ >]", text)) == 4
    assert "alert(1)</script>" not in text
    assert "&lt;/script&gt;&lt;script&gt;alert(2)" in text


def test_page_reloads_only_while_it_is_live(made, outputs):
    assert '<meta http-equiv="refresh"' in page(made, outputs, live=True)
    assert "refresh" not in page(made, outputs, live=False)


def test_watch_ends_when_no_run_is_active(leave, outputs, docs, monkeypatch, capsys, done):
    folder = leave("demo_neurons", "LIF,seed=0", None, hash="c0")
    path = outputs / "demo_neurons" / "dashboard.html"
    monkeypatch.setattr(dashboard, "EVERY_S", 0.05)
    seen = []
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def finish():
            seen.append(path.read_text())
            (folder / "result.json").write_text(json.dumps(done("LIF", 0, 0.8, hash="c0")))

        timer = threading.Timer(0.5, finish)
        timer.start()
        words = ["demo_neurons", "--watch", "--outputs", str(outputs), "--docs", str(docs)]
        assert dashboard.main(words) == 0
        timer.join()
    assert capsys.readouterr().out == f"{path}\n"
    assert "refresh" in seen[0]
    assert "refresh" not in path.read_text()
    assert "<b>1 of" in path.read_text()


def test_after_ctrl_c_the_page_no_longer_reloads(made, outputs, docs, sweep, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dashboard.time, "sleep", interrupt)
    arguments, path = argparse.Namespace(outputs=outputs, docs=docs), outputs / "fig" / "dashboard.html"
    with pytest.raises(KeyboardInterrupt):
        dashboard._watch(sweep, arguments, path)
    assert "refresh" not in path.read_text()


def test_sweep_without_runs_and_unknown_sweep(empty, monkeypatch, capsys):
    for words, code, message in (
        (["demo_neurons"], 1, "no runs of demo_neurons yet; start: snnx -m sweep=demo_neurons"),
        (["nothing"], 2, "sweep must be one of .*; got nothing"),
    ):
        monkeypatch.setattr(sys, "argv", ["snnx", "dashboard", *words])
        assert main.main() == code
        assert re.search(message, capsys.readouterr().err)


def test_command_loads_neither_torch_nor_hydra_nor_matplotlib(leave, done, outputs, docs):
    leave("demo_neurons", "LIF,seed=0", done("LIF", 0, 0.8))
    code = (
        "import sys; from snnx.command.dashboard import main; main(sys.argv[1:]); "
        "print(sorted({'torch', 'hydra', 'matplotlib', 'wandb'} & set(sys.modules)))"
    )
    words = ["demo_neurons", "--outputs", str(outputs), "--docs", str(docs)]
    printed = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [str(outputs / "demo_neurons" / "dashboard.html"), "[]"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydantic, in wandb-workspaces
def test_workspace_can_be_built_without_a_server():
    pytest.importorskip("wandb_workspaces", reason="wandb-workspaces (snnx[dashboard]) is not installed")
    made = workspace(read(find("dtst_fig10_neurons")), entity="us", project="snnx")
    assert [len(section.panels) for section in made.sections] == [4, 3, 2]
    sent = json.dumps(made._to_model().model_dump(mode="json"))
    for part in ("dtst_fig10_neurons", "val/acc", "paper/val/acc", "difference/val/acc", "test/firing_rate", "epoch", "row"):
        assert part in sent


def test_reason_why_there_is_no_workspace_is_one_line(leave, done, outputs, tmp_path, monkeypatch):
    sweep = read(find("demo_neurons"))
    folder = leave("demo_neurons", "LIF,seed=0", done("LIF", 0, 0.8))
    assert save_workspace(sweep, outputs) is None, "no run was logged to W&B"
    (folder / "wandb").mkdir()
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setattr("snnx.dashboard.workspace.find_spec", lambda name: Path())
    assert save_workspace(sweep, outputs).startswith("W&B: no workspace, because no W&B API key is known")
    monkeypatch.setattr("snnx.dashboard.workspace.find_spec", lambda name: None)
    assert "pip install 'snnx[dashboard]'" in save_workspace(sweep, outputs)

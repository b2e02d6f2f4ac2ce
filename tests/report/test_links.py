"""A run's folder that is a link, or contains one, shows no file of another place."""

import fcntl
import json
import os
import shutil

import pytest

from snnx.command import audit, dashboard, sync
from snnx.dashboard.chart_data import chart_data
from snnx.dashboard.page import page
from snnx.record import result_file
from snnx.record.inputs import inputs
from snnx.report.data.runs import collect
from snnx.report.pages.markdown import document
from snnx.report.results import work_out

RUN = "0123456789abcdef"


@pytest.fixture
def elsewhere(tmp_path, done):
    """A folder of somebody's own, outside of the received outputs, with all files of a run."""
    folder = tmp_path / "home" / "runs" / RUN
    folder.mkdir(parents=True)
    facts = done("A", 0, 0.9, hash=RUN, device="my own machine")
    findings = [{"check": "order", "outcome": "failed", "text": "my own audit"}]
    (folder / "result.json").write_text(json.dumps(facts))
    (folder / "audit.json").write_text(json.dumps({"started": facts["started"], "findings": findings}))
    (folder / "metrics.csv").write_text("epoch,val/acc\n1,0.123456\n")
    (folder / "progress.json").write_text('{"done": 0.123456, "epoch": 1, "epochs": 2, "left_s": 1}')
    (folder / "inputs.json").write_text('{"code": {}, "data": {"folders": []}}')
    (folder / "config.yaml").write_text("seed: 0\n")
    (folder / ".lock").write_text("process 1 on mine")
    return folder


def shown(sweep, outputs, docs) -> str:
    results = work_out(sweep, collect("fig", outputs, docs))
    return document(results) + page(results, outputs, live=False) + chart_data(results, outputs)


OWN = ("my own machine", "my own audit", "0.123456")


@pytest.mark.parametrize("name", ["result.json", "audit.json", "metrics.csv"])
def test_a_file_that_is_a_link_is_not_read(leave, done, outputs, docs, sweep, elsewhere, name):
    facts = None if name != "audit.json" else done("A", 0, 0.9, hash=RUN)
    folder = leave("fig", "A,seed=0,scale=small", facts, hash=RUN)
    (folder / name).symlink_to(elsewhere / name)
    assert not any(text in shown(sweep, outputs, docs) for text in OWN)
    (run,) = collect("fig", outputs, docs)
    assert run.state == {"result.json": "damaged", "audit.json": "done"}.get(name, "unfinished")
    if name == "result.json":
        assert run.cause == f"{outputs}/fig/A,seed=0,scale=small/result.json: must be readable; got Is a link"
        assert result_file.read(folder) is None, "it is computed again"


@pytest.mark.parametrize("name", ["progress.json", ".lock"])
def test_the_progress_and_the_lock_of_another_place_do_not_count(leave, outputs, docs, elsewhere, name):
    folder = leave("fig", "A,seed=0,scale=small", None, hash=RUN)
    (folder / ".lock").touch()
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(elsewhere / name)
    with (folder / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (run,) = collect("fig", outputs, docs)
    assert (run.state, run.progress) == ("unfinished" if name == ".lock" else "running", {})


def test_inputs_that_are_a_link_are_damaged(leave, elsewhere):
    folder = leave("fig", "A,seed=0,scale=small", None, hash=RUN)
    (folder / "inputs.json").symlink_to(elsewhere / "inputs.json")
    with pytest.raises(ValueError, match=r"inputs\.json is damaged"):
        inputs(folder)


def test_a_run_s_folder_that_is_a_link_is_not_read(outputs, docs, sweep, elsewhere):
    (outputs / "runs").mkdir(parents=True)
    (outputs / "runs" / RUN).symlink_to(elsewhere)
    (outputs / "fig").mkdir()
    (outputs / "fig" / "A,seed=0").symlink_to(f"../runs/{RUN}")
    assert not any(text in shown(sweep, outputs, docs) for text in OWN)
    (run,) = collect("fig", outputs, docs)
    assert (run.state, run.cause) == (
        "damaged",
        f"{outputs}/fig/A,seed=0/result.json: must be readable; got Is in a folder that is a link",
    )


@pytest.mark.parametrize("target", ["home/runs/0123456789abcdef", "home/runs/0123456789abcdef/..", "home", "outputs"])
def test_a_link_that_leads_elsewhere_is_named(outputs, docs, sweep, elsewhere, tmp_path, target):
    (outputs / "fig").mkdir(parents=True)
    (tmp_path / "home" / "metrics.csv").write_text((elsewhere / "metrics.csv").read_text())
    (tmp_path / "home" / "result.json").write_text((elsewhere / "result.json").read_text())
    target = f"{tmp_path}/{target}"
    (outputs / "fig" / "A,seed=0").symlink_to(target)
    assert not any(text in shown(sweep, outputs, docs) for text in OWN)
    (run,) = collect("fig", outputs, docs)
    message = f"{outputs}/fig/A,seed=0: must be a link to a run in {outputs}/runs; got a link to {target}"
    assert (run.state, run.cause) == ("damaged", message)


@pytest.mark.parametrize("linked", ["outputs", "outputs/runs"])
def test_outputs_on_another_disk_are_read_as_before(leave, done, outputs, docs, tmp_path, linked):
    """Links above the runs are the user's own."""
    leave("fig", "A,seed=0", done("A", 0, 0.9))
    disk = shutil.move(tmp_path / linked, tmp_path / "disk")
    (tmp_path / linked).symlink_to(disk)
    assert [run.state for run in collect("fig", outputs, docs)] == ["done"]


def test_an_audit_writes_nothing_through_a_link(outputs, elsewhere, capsys):
    (outputs / "runs").mkdir(parents=True)
    (outputs / "runs" / RUN).symlink_to(elsewhere)
    before = (elsewhere / "audit.json").read_text()
    for path in (outputs / "runs" / RUN, elsewhere.with_name("mine")):
        if not path.exists():
            path.symlink_to(outputs / "runs" / RUN)
        assert audit.main([str(path)]) == 2
        assert f"{RUN} must be a folder, because files in it are replaced; got a link to" in capsys.readouterr().err
    assert (elsewhere / "audit.json").read_text() == before


@pytest.mark.parametrize("linked", ["", "wandb", "wandb/offline-run-1-a", "wandb/offline-run-1-a/run-a.wandb"])
def test_no_log_of_another_place_is_uploaded(leave, done, outputs, elsewhere, tmp_path, monkeypatch, capsys, linked):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setattr("snnx.logger.account.obstacle", lambda: None)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    log = elsewhere / "wandb" / "offline-run-1-a" / "run-a.wandb"
    log.parent.mkdir(parents=True)
    log.write_bytes(b":W&B")
    place = outputs / "runs" / RUN / linked
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere / linked)
    (outputs / "demo_neurons").mkdir()
    (outputs / "demo_neurons" / "PLIF,seed=0").symlink_to(f"../runs/{RUN}")
    assert sync.main(["demo_neurons", "--outputs", str(outputs)]) == 1
    assert f"PLIF seed=0: not uploaded: {place} must be" in capsys.readouterr().out


def test_the_dashboard_is_written_beside_such_runs(outputs, elsewhere, docs, capsys):
    (outputs / "demo_neurons").mkdir(parents=True)
    (outputs / "demo_neurons" / "IF,seed=0").symlink_to(elsewhere)
    assert dashboard.main(["demo_neurons", "--outputs", str(outputs), "--docs", str(docs)]) == 0
    assert not any(text in (outputs / "demo_neurons" / "dashboard.html").read_text() for text in OWN)
    assert os.path.islink(outputs / "demo_neurons" / "IF,seed=0")

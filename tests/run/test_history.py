"""What earlier attempts of a run have left is read from its files and links."""

import json
from dataclasses import replace

import pytest
from composing import composed
from finished import result_of

from snnx.compose.check import check
from snnx.record import run_folder
from snnx.record.write import write
from snnx.run import history
from snnx.run.execute import execute
from snnx.run.outdated import code_of
from snnx.run.reopen import reopen


@pytest.fixture
def job(tmp_path):
    return replace(composed("neuron=lif", "neuron.tau=2"), outputs=str(tmp_path))


def test_a_new_run_has_no_earlier_attempt(job):
    assert history.describe_earlier_attempt(job) is None


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_a_failed_or_diverged_run_is_tried_again(job, status):
    write(job.folder / "result.json", json.dumps(result_of(job, status=status)))
    assert history.describe_earlier_attempt(job) == f"{status} before, trying again"


def test_a_run_without_a_result_is_resumed_at_its_newest_checkpoint(job):
    for epoch in (9, 10):
        write(job.folder / "ckpt" / f"epoch={epoch}.ckpt", "x")
    write(job.folder / "ckpt" / "epoch=11.corrupt", "x")
    assert history.describe_earlier_attempt(job) == "resumed at epoch 10"


def test_a_changed_configuration_under_the_same_name_is_reported_with_its_keys(job):
    old = replace(composed("neuron=lif", "neuron.tau=4", "timesteps=8"), outputs=job.outputs)
    write(old.folder / "config.yaml", json.dumps(old.config))
    run_folder.link(job.link, old.folder)
    assert (
        history.describe_earlier_attempt(job)
        == "a new run beside the old one of this name: timesteps: 8 → 4, encoding.timesteps: 8 → 4, neuron.tau: 4 → 2"
    )
    run_folder.link(job.link, job.folder)
    assert history.describe_earlier_attempt(job) is None


def test_another_identity_with_the_same_configuration_means_another_version_of_snnx(job):
    old = replace(job, id="0" * 16)
    write(old.folder / "config.yaml", json.dumps(old.config))
    run_folder.link(job.link, old.folder)
    assert (
        history.describe_earlier_attempt(job)
        == "a new run beside the old one of this name: another version of snnx computed it"
    )


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"code": 1, "data": {}}', "\udcff"])
def test_a_run_whose_inputs_are_damaged_is_out_of_date(job, content):
    write(job.folder / "result.json", json.dumps(result_of(job)))
    (job.folder / "inputs.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert history.describe_earlier_attempt(job) == "out of date because inputs.json is damaged"
    assert history.finished(job) is None


def test_temporary_files_of_a_killed_process_are_removed(job):
    kept = {".lock", "metrics.csv", ".gitignore", ".vimrc.swp", ".notes.markdown", ".backup.20240131", "ckpt/.hidden"}
    for name in (*kept, ".result.json.x1y2z3_4", "ckpt/.epoch=1.ckpt.abcdefgh"):
        write(job.folder / name, "x")
    run_folder.tidy(job.folder)
    assert {str(p.relative_to(job.folder)) for p in job.folder.rglob("*") if p.is_file()} == kept


def test_force_removes_only_what_snnx_wrote(job):
    kept = {"notes.txt", "ckpt/notes.txt", "ckpt/mine.ckpt", "ckpt/epoch=3 good.ckpt"}
    for name in (*kept, "result.json", "ckpt/epoch=1.ckpt", "ckpt/last.ckpt", "ckpt/epoch=2.corrupt"):
        write(job.folder / name, "x")
    history.start_over_if_forced(replace(job, config=job.config | {"force": True}))
    found = {str(p.relative_to(job.folder)) for p in job.folder.rglob("*") if p.is_file()}
    assert found - {".lock"} == kept


@pytest.mark.parametrize("name", ["", "ckpt"])
def test_a_run_whose_folder_is_a_link_is_refused_and_nothing_is_removed(job, tmp_path, name):
    home = tmp_path / "home"
    write(home / ".profile", "x")
    write(home / "epoch=1.ckpt", "x")
    link = job.folder / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(home)
    with pytest.raises(ValueError, match=f"{link} must be a folder, because files in it are replaced; got a link to {home}"):
        check(job)
    with pytest.raises(ValueError, match="must be a folder"):
        execute(job)
    with pytest.raises(ValueError, match="must be a folder"):
        history.start_over_if_forced(replace(job, config=job.config | {"force": True}))
    assert sorted(path.name for path in home.iterdir()) == [".profile", "epoch=1.ckpt"]


def test_evaluating_a_run_with_links_is_refused(job, tmp_path):
    elsewhere = write(tmp_path / "elsewhere" / "best.ckpt", "x")
    write(job.folder / "config.yaml", json.dumps(job.config))
    write(job.folder / "result.json", json.dumps(result_of(job)))
    (job.folder / "ckpt").mkdir()
    (job.folder / "ckpt" / "best.ckpt").symlink_to(elsewhere)
    with pytest.raises(ValueError, match=r"best\.ckpt must be a link to a checkpoint beside it; got one to .*elsewhere"):
        reopen(job.folder)


def test_a_failed_run_says_whether_it_continues(job, monkeypatch):
    write(job.folder / "result.json", json.dumps(result_of(job, status="failed")))
    write(job.folder / "ckpt" / "epoch=7.ckpt", "x")
    assert history.describe_earlier_attempt(job) == "failed before, resumed at epoch 7"
    monkeypatch.setattr(history, "outdated", lambda job: "snnx/neuron/lif.py changed")
    expected = (
        "failed before, starts over because snnx/neuron/lif.py changed; with outdated=true it would continue from epoch 7"
    )
    assert history.describe_earlier_attempt(job) == expected


def test_a_plan_counts_only_the_epochs_after_which_a_run_would_continue(job):
    write(job.folder / "ckpt" / "epoch=10.ckpt", "x")
    assert history.resumed_epoch(job) == 10
    assert history.resumed_epoch(replace(job, config={**job.config, "force": True})) == 0
    write(job.folder / "inputs.json", json.dumps({"code": code_of(job.config) | {"snnx.neuron.lif": "0" * 16}, "data": {}}))
    assert history.resumed_epoch(job) == 0
    assert history.resumed_epoch(replace(job, config={**job.config, "outdated": True})) == 10

"""What earlier attempts of a run have left is read from its files and links."""

import json
from dataclasses import replace

import pytest
from composing import composed

from snnx.record import run_folder
from snnx.record.write import write
from snnx.run import history


@pytest.fixture
def job(tmp_path):
    return replace(composed("neuron=lif", "neuron.tau=2"), outputs=str(tmp_path))


def test_a_new_run_has_no_earlier_attempt(job):
    assert history.describe_earlier_attempt(job) is None


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_a_failed_or_diverged_run_is_tried_again(job, status):
    write(job.folder / "result.json", json.dumps({"status": status}))
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


def test_temporary_files_of_a_killed_process_are_removed(job):
    for name in (".lock", ".result.json.x1", "ckpt/.epoch=1.ckpt.x2", "metrics.csv"):
        write(job.folder / name, "x")
    run_folder.tidy(job.folder)
    assert {str(p.relative_to(job.folder)) for p in job.folder.rglob("*") if p.is_file()} == {".lock", "metrics.csv"}

"""The identity of a run depends on what it computes, not on where files are."""

import pytest
from composing import composed

from snnx.record.identity import changes


def test_identity_contains_the_content_of_weight_files_not_their_path(tmp_path):
    """A copy of the file gives the same run; another content in the same file gives another run, and `changes` names it."""
    first, copy = tmp_path / "first.ckpt", tmp_path / "copy.ckpt"
    for path in (first, copy):
        path.write_bytes(b"weights")
    before, moved = (composed("method=conversion", f"method.checkpoint={path}") for path in (first, copy))
    assert (before.id, before.group) == (moved.id, moved.group)
    first.write_bytes(b"other weights")
    after = composed("method=conversion", f"method.checkpoint={first}")
    assert after.id != before.id
    (changed,) = changes(before.config, after.config)
    assert changed.startswith("method.checkpoint: sha256:")


def test_without_weight_files_the_configuration_has_no_hashes():
    assert "loaded" not in composed("method=conversion").config


def test_how_a_norm_is_computed_does_not_count():
    assert composed("norm.fused=false").id == composed().id != composed("norm=none").id


ONE = ("trainer=ddp", "trainer.devices=1")  # this option has the key `num_nodes`


@pytest.mark.parametrize(
    "word",
    ["trainer.precision=bf16-mixed", "trainer.precision=16-mixed", "matmul=high", "matmul=medium", "compile=default",
     "compile=reduce-overhead", "trainer.devices=2", "trainer.num_nodes=2", "trainer.accumulate_grad_batches=4"],
)  # fmt: skip
def test_what_changes_how_a_run_is_rounded_or_divided_counts(word):
    plain, run = composed(*ONE), composed(*ONE, word)
    assert run.id != plain.id
    (changed,) = changes(plain.config, run.config)
    assert changed.startswith(f"{word.split('=')[0]}: ")
    assert changed.endswith(f" → {word.split('=')[1]}")


def test_one_device_and_the_default_precision_are_those_of_runs_that_name_neither():
    words = ("trainer.num_nodes=1", "trainer.precision=32-true", "matmul=highest", "compile=null")
    assert composed(*ONE, *words).id == composed().id


def test_the_device_and_how_memory_is_saved_do_not_count():
    words = ("trainer.accelerator=cpu", "channels_last=true", "packed_spikes=true", "recompute=true")
    assert composed(*words).id == composed().id == composed("recompute_steps=2").id


def test_two_devices_of_one_machine_and_one_of_two_machines_are_two_configurations():
    here, there = composed("trainer=ddp", "trainer.devices=2"), composed(*ONE, "trainer.num_nodes=2")
    assert here.id != there.id

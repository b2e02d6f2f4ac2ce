"""The identity of a run depends on what it computes, not on where files are."""

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

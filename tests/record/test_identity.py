"""What names a run: what it computes, and not where things lie."""

from composing import composed

from snnx.record.identity import changes


def test_weights_count_by_what_is_in_their_file(tmp_path):
    """One file under two names is one run; another content under one name is another run, and both say so."""
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


def test_without_weights_nothing_is_added():
    assert "loaded" not in composed("method=conversion").config

"""Files are written completely or not at all."""

import ast
from pathlib import Path

import pytest

import snnx.report
from snnx.record.write import write


def test_replaces_a_file_and_leaves_no_temporary_file(tmp_path):
    path = tmp_path / "new" / "file"
    write(path, "old")
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_the_old_file_survives_a_failed_write(tmp_path):
    path = write(tmp_path / "file", "old")
    with pytest.raises(TypeError):
        write(path, 3)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_reports_write_files_with_write_only():
    """No module of the report calls `write_text`, `write_bytes` or `mkstemp` itself."""
    folder = Path(snnx.report.__file__).parent
    for module in [*folder.rglob("*.py"), folder.parent / "command" / "report.py"]:
        called = {node.attr for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Attribute)}
        assert not called & {"write_text", "write_bytes", "mkstemp"}, module.name

"""The website reads the sections of docstrings line by line, and a line that it cannot read stops its build."""

import ast
import inspect
import re
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[1] / "snnx").rglob("*.py"))
SECTION = re.compile(r"^(?:Args|Raises|Attributes):\n((?: .*\n|\n)*)", re.MULTILINE)


@pytest.mark.parametrize("folder", sorted({path.parent for path in SOURCES}), ids=lambda path: path.name)
def test_each_entry_of_a_section_has_a_name_and_a_description(folder: Path) -> None:
    unreadable = []
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = inspect.cleandoc(ast.get_docstring(node) or "") + "\n"
                entries = [line for section in SECTION.findall(text) for line in section.splitlines() if line.strip()]
                first = [line for line in entries if not line.startswith("     ")]  # others continue an entry
                unreadable += [f"{path}: {line}" for line in first if not re.match(r"    [^\s:][^:]*: \S", line)]
    assert not unreadable

"""The commands, the code, the tables and the links of the README are right, and the demo prints what it shows."""

import doctest
import re
import shlex
import subprocess
import tomllib
from itertools import product
from pathlib import Path

import pytest
import yaml
from command_lines import snnx
from composing import composed

from snnx.command import bench, main
from snnx.options import sweepfile
from snnx.options.files import files, groups
from snnx.options.folders import shipped
from snnx.report.pages.index import PAPERS

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
LINES = [line.split("#")[0].strip() for kind, body in BLOCKS if kind == "sh" for line in body.splitlines() if line.strip()]
INLINE = re.findall(r"`(snnx [^`]*)`", TEXT)
PLACEHOLDERS = {"snnx GROUP=OPTION", "snnx -m sweep=NAME"}
DEFAULTS = {
    group.removeprefix("override /"): option
    for entry in yaml.safe_load((shipped("conf") / "config.yaml").read_text(encoding="utf-8"))["defaults"]
    if isinstance(entry, dict)
    for group, option in entry.items()
}
"""The option that each group has if none is chosen."""
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def section(title: str) -> str:
    """The text of one section."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)[1]


def block(kind: str, of: str) -> str:
    """The one block of this kind in the section `of`."""
    (body,) = re.findall(rf"```{kind}\n(.*?)```", section(of), re.DOTALL)
    return body


def rows(title: str) -> dict[str, list[str]]:
    """The table of a section: the first cell of each row, without its quotes, and the other cells."""
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section(title).splitlines() if line.startswith("| `")]
    return {first.strip("`"): others for first, *others in cells}


def test_set_up_begins_with_the_clone():
    """The folder that the first line makes is the one that the second line enters."""
    first, second, *_ = block("sh", "Install").splitlines()
    assert first.split()[:2] == ["git", "clone"]
    assert second == f"cd {first.split()[-1]}"


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {line.split()[1] for line in LINES if line.startswith("make ")}
    assert asked == {"demo", "test"}
    assert asked | set(re.findall(r"`make ([a-z-]+)`", TEXT)) <= targets
    help_text = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in help_text for target in targets - {"help"})


@pytest.mark.parametrize("line", [line for line in [*LINES, *INLINE] if line.startswith("snnx") and line not in PLACEHOLDERS])
def test_commands_compose(line):
    words = [word for word in shlex.split(line)[1:] if word not in ("-m", "plan")]
    if words[:1] == ["--help"]:
        return
    if words[0] == "bench":
        assert set(words[1:]) <= {*bench.MEASUREMENTS, *bench.APART, "all", "--record"}
        return
    if words[0] in main.COMMANDS:
        assert set(words[1:]) <= {*sweepfile.names(), sweepfile.SINGLE}
        return
    axes = [[f"{word.split('=', 1)[0]}={value}" for value in word.split("=", 1)[1].split(",")] for word in words]
    for overrides in product(*axes):
        composed(*overrides)


def test_the_python_lines_run():
    test = doctest.DocTestParser().get_doctest(block("python", "From Python"), {}, "README.md", None, 0)
    done = doctest.DocTestRunner(verbose=False).run(test)
    assert (done.failed, done.attempted) == (0, 5)


def shape_of(line: str) -> str:
    """A line of output without what differs between two runs: numbers, verdicts, remarks, and the widths of columns."""
    line = re.sub(r"[+-]?\d+(\.\d+)?(e-\d+)?", "0", line)
    differs = r"│ (undecided|holds|does not hold) |│ (-|about 0 seeds|more (than 0 )?seeds|the rows)[^│]*│$"
    return " ".join(re.sub(differs, "│ ? │", line).split())


@pytest.mark.slow
def test_the_demo_prints_what_the_readme_shows(tmp_path):
    """In form: the numbers are those of shorter runs."""
    shown = [line for line in block("text", "What the demo prints").splitlines() if re.search("[a-z]", line)]
    assert len(shown) > 8
    done = snnx(tmp_path, "-m", "sweep=demo_neurons", "trainer.max_epochs=2", "seed=0,1")
    assert done.returncode == 0, done.stderr
    printed = {shape_of(line) for line in done.stdout.splitlines()}
    assert [line for line in shown if shape_of(line) not in printed] == []


def test_the_table_of_options_is_complete():
    table = rows("Options")
    assert set(table) == set(groups())
    for group, (_, options) in table.items():
        assert [name.strip("*") for name in options.split(", ")] == list(files(group)), group
        chosen = DEFAULTS.get(group)
        chosen = chosen if isinstance(chosen, list) else [chosen]
        assert re.findall(r"\*\*(\w+)\*\*", options) == [name for name in chosen if name in files(group)], group


def test_the_table_of_sweeps_is_complete():
    table = rows("Papers and sweeps")
    assert set(PAPERS) <= set(table)
    assert all(title in table[paper][0] for paper, title in PAPERS.items())
    listed = []
    for paper, (_, cell) in table.items():
        for entry in cell.split(", "):
            name = entry.split("]")[0].strip("[")
            assert sweepfile.read(sweepfile.find(name)).paper == paper
            record = f"docs/results/{name}.md"
            assert entry == (f"[{name}]({record})" if (ROOT / record).exists() else name)
            listed.append(name)
    assert sorted(listed) == sweepfile.names()


def test_the_map_shows_the_tree():
    entries = re.findall(r"^( *)((?:[\w/]+/ ?)+)", block("text", "What is in the tree"), re.MULTILINE)
    paths = [("snnx/" if indent else "") + path for indent, names in entries for path in names.split()]
    assert [path for path in paths if not (ROOT / path).is_dir()] == []
    sdist = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    folders = {name for name in sdist if (ROOT / name).is_dir()} | {"docs"}
    assert {path.split("/")[0] for path in paths} == folders
    rooms = {path.parent.name for path in (ROOT / "snnx").glob("*/__init__.py")}
    assert {path.split("/")[1] for path in paths if path.startswith("snnx/") and path != "snnx/"} == rooms


def test_every_guide_is_named():
    for path in (ROOT / "docs" / "guides").glob("*.md"):
        assert f"(docs/guides/{path.name})" in TEXT, path.name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_each_fault_has_a_test():
    """A row of docs/reliability.md ends with its tests: files, folders, or the beginning of a function's name."""
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").partition("\n## Faults\n")[2]
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
    assert {int(row[0]) for row in rows} == set(range(1, 28))
    sources = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    places = {place for path in sources for place in (path, path.parent, path.with_suffix(""))}
    known = {path.stem for path in sources} | {place.relative_to(ROOT).as_posix() for place in places}
    functions = re.findall(r"^def (test_\w+)", "\n".join(path.read_text(encoding="utf-8") for path in sources), re.MULTILINE)
    for row in rows:
        named = re.findall(r"`([^`]+)`", row[-1])
        assert named, row
        for name in named:
            begins = name.endswith("…") and any(function.startswith(name[:-1]) for function in functions)
            assert begins or name in known, name

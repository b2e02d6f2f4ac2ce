"""The rooms of `snnx/` and the direction of their imports are those of the block in CONVENTIONS."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def blocks() -> list[list[list[str]]]:
    """The blocks of the drawing in CONVENTIONS; a block is a list of lines, and a line is a list of rooms."""
    text = (ROOT / "CONVENTIONS.md").read_text(encoding="utf-8")
    drawing = text.partition("## Rooms")[2].split("```")[1].strip("\n")
    return [[re.split(r"  +", line)[0].split() for line in block.splitlines()] for block in drawing.split("\n\n")]


LINES = [line for block in blocks() for line in block]
RANK = {room: number for number, line in enumerate(LINES) for room in line}
COMPONENTS = {room for line in blocks()[1] for room in line}
FOR_BOTH = "torch_file"  # imports no other room, so that components and the record can import it


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for folder in ("snnx", "hydra_plugins") for path in (ROOT / folder).rglob("*.py")}


def room_of(module: str) -> str:
    first, _, rest = module.partition(".")
    return first if first == "hydra_plugins" else rest.partition(".")[0]


def imports(path: Path) -> set[str]:
    """The modules of this project that a file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in names]
        found |= {name for name in names if name in MODULES}
    return found


GRAPH = {module: imports(path) for module, path in MODULES.items()}


def test_every_room_is_in_the_drawing():
    rooms = {room_of(module) for module in MODULES} - {"", "__main__"}
    assert rooms == set(RANK)


@pytest.mark.parametrize("room", RANK)
def test_imports_go_downwards(room):
    for module, others in GRAPH.items():
        for other in others if room_of(module) == room else ():
            assert room_of(other) == room or RANK[room_of(other)] > RANK[room], f"{module} imports {other}"


@pytest.mark.parametrize("room", sorted(COMPONENTS))
def test_components_import_components_only(room):
    for module, others in GRAPH.items():
        allowed = {*COMPONENTS, FOR_BOTH}
        outside = {other for other in others if room_of(other) not in allowed} if room_of(module) == room else set()
        assert not outside, f"{module} imports {outside}"


@pytest.mark.parametrize(("room", "below"), [("record", {FOR_BOTH}), (FOR_BOTH, set())])
def test_record_imports_no_other_room(room, below):
    allowed = {room, *below}
    assert not {(m, o) for m, others in GRAPH.items() if room_of(m) == room for o in others if room_of(o) not in allowed}


def test_imports_have_no_circle():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(f"circle of imports: {' -> '.join(error.args[1])}")


def test_kernels_import_no_neuron():
    """A neuron is fused because its step could be traced, whatever its class."""
    kernels = [module for module in MODULES if module.startswith("snnx.neuron.kernel.")]
    assert kernels
    for module in kernels:
        outside = {other for other in GRAPH[module] if not other.startswith("snnx.neuron.kernel")}
        assert not outside, f"{module} imports {outside}"


def test_hydra_and_omegaconf_are_imported_where_conventions_says():
    text = " ".join((ROOT / "CONVENTIONS.md").read_text(encoding="utf-8").split())
    said = re.search(r"`omegaconf` and `hydra` are imported in (.*?) only\.", text)[1]
    places = {place if place.startswith("hydra_plugins") else f"snnx/{place}" for place in re.findall(r"`([^`]+)`", said)}
    found = {path.relative_to(ROOT).as_posix() for path in MODULES.values() if packages(path) & {"hydra", "omegaconf"}}
    assert {path for path in found if not path.startswith(tuple(places))} == set()
    assert {place for place in places if not any(path.startswith(place) for path in found)} == set()


def packages(path: Path) -> set[str]:
    """The packages that a file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        found |= {name.partition(".")[0] for name in names}
    return found


TYPED = {"command", "bench"}  # a file is named after the word that a person types
TESTING = "testing"  # a file is named after the group of components that it tests
CUDA = "snnx.neuron.kernel.cuda."  # a file has the name of its twin for CPUs


def addressed() -> set[str]:
    """The files and classes that an option names as its target, such as `snnx.encoding.rate` and `snnx.encoding.rate.Rate`."""
    lines = (line for path in (ROOT / "conf").rglob("*.yaml") for line in path.read_text(encoding="utf-8").splitlines())
    found = {line.split(":", 1)[1].strip() for line in lines if line.lstrip().startswith("_target_:")}
    return found | {target.rpartition(".")[0] for target in found}


def repeated(names: dict[str, str]) -> dict[str, list[str]]:
    """The names that stand for several things without need; `names` maps each file or class to its name.

    Options of several groups may have one name, since their addresses are in recorded runs.
    """
    by_name: dict[str, list[str]] = {}
    options = addressed()
    for place, name in names.items():
        if room_of(place) not in (*TYPED, TESTING) and not place.startswith(CUDA):
            by_name.setdefault(name, []).append(place)
    return {name: places for name, places in by_name.items() if len(places) > 1 and not options.issuperset(places)}


def test_every_name_of_snnx_that_is_used_exists():
    """Also within functions, of imported modules, and for packages that are not installed here, such as Optuna's sweeper."""
    missing = []
    for module, path in MODULES.items():
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        imported: dict[str, str] = {}  # the modules of snnx that the file imports, by the names that it gives them
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module in MODULES:
                defined = vars_of(MODULES[node.module])
                for alias in node.names:
                    if (whole := f"{node.module}.{alias.name}") in MODULES:
                        imported[alias.asname or alias.name] = whole
                    elif alias.name not in defined:
                        missing.append(f"{module}: {whole}")
        own = {name for node in nodes for name in bound(node)}
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported.keys() - own:
                whole = f"{imported[node.value.id]}.{node.attr}"
                if whole not in MODULES and node.attr not in vars_of(MODULES[imported[node.value.id]]) | {
                    "__file__",
                    "__name__",
                }:
                    missing.append(f"{module}: {whole}")
    assert missing == []


def bound(node: ast.AST) -> set[str]:
    """The names to which a node gives a value, such as arguments of a function, which may be those of an imported module."""
    if isinstance(node, ast.arg):
        return {node.arg}
    return {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()


def vars_of(path: Path) -> set[str]:
    """The names that the top level of a file defines or imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def test_no_two_modules_have_one_name_without_need():
    assert repeated({module: module.rpartition(".")[2] for module, path in MODULES.items() if path.stem != "__init__"}) == {}


def test_no_two_classes_have_one_name_without_need():
    classes = {
        f"{module}.{node.name}": node.name
        for module, path in MODULES.items()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    assert repeated(classes) == {}


@pytest.mark.parametrize("room", ["report", "dashboard"])
def test_report_and_dashboard_load_neither_torch_nor_hydra(room):
    names = sorted(module for module in MODULES if room_of(module) == room)
    code = f"import {', '.join(names)}; import sys; print(*{{'torch', 'hydra', 'omegaconf'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == []

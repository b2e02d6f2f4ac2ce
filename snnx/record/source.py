"""Which code computed a run: a digest of every module that its components import, directly or indirectly."""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from snnx.record.identity import leaves

ROOTS = ("snnx.run.run", "snnx.run.build", "snnx.run.component", "snnx.run.callback.reseed")
"""What every run goes through, besides its components."""
FILES_ONLY = ("snnx.record.", "snnx.options.", "snnx.logger.", "snnx.report.")
"""Rooms that read and write files, and decide no number."""
SNNX = {"snnx": Path(__file__).resolve().parents[1]}
"""The package that counts in every run."""


def sources(config: dict, packages: Mapping[str, Path] = SNNX) -> dict[str, str]:
    """Return the digest of the code of each module that the components of a configuration import, by module name.

    Imports are followed from module to module, also those inside functions. Modules under `FILES_ONLY`, which read and write
    files, are left out, since they do not affect any number. The digest is that of the syntax tree, so comments and docstrings
    do not count.

    Args:
        config: the resolved configuration as plain dicts; its `_target_` values name the components.
        packages: the packages whose modules count, as name to folder: snnx and the user's own, but no third party's.

    Example:
        >>> found = sources({"neuron": {"_target_": "snnx.neuron.lif.LIF"}})
        >>> "snnx.neuron.lif" in found, "snnx.neuron.node" in found, "snnx.dataset.mnist" in found, "snnx.record.job" in found
        (True, True, False, False)
    """
    targets = [str(value) for key, value in leaves(config) if key.rpartition(".")[2] == "_target_"]
    found: dict[str, str] = {}
    todo = [*ROOTS, *targets]
    while todo:
        name = _module_of(todo.pop(), packages)
        if name is not None and name not in found and not name.startswith(FILES_ONLY):
            path = _file(name, packages)
            found[name], imports = _read(path, path.stat().st_mtime_ns, path.stat().st_size)
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            todo += [_absolute(one, package) for one in imports]
    return dict(sorted(found.items()))


def digest(found: dict[str, str]) -> str:
    """Combine the digests from `sources` into one of 16 hexadecimal digits.

    Example:
        >>> digest({"a": "1"}) == digest({"a": "2"})
        False
    """
    return hashlib.sha256("\n".join(f"{name} {code}" for name, code in found.items()).encode()).hexdigest()[:16]


def warm() -> None:
    """Compute the digests of all snnx modules now, so that runs which are forked from this process have them already."""
    for path in sorted(SNNX["snnx"].rglob("*.py")):
        _read(path, path.stat().st_mtime_ns, path.stat().st_size)


def _module_of(name: str, packages: Mapping[str, Path]) -> str | None:
    """Return the module part of a dotted name: `snnx.neuron.lif` for `snnx.neuron.lif.LIF`; `None` for a third party's name."""
    parts = name.split(".")
    beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((one for one in beginnings if _file(one, packages) is not None), None)


def _file(module: str, packages: Mapping[str, Path]) -> Path | None:
    first, *rest = module.split(".")
    place = packages[first].joinpath(*rest) if first in packages else None
    return None if place is None else _exists(place)


@cache
def _exists(place: Path) -> Path | None:
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _absolute(name: str, package: str) -> str:
    """Return the absolute name of an import in a module of `package`; a relative import begins with dots.

    Example:
        >>> _absolute("torch.nn", "mylab.neuron"), _absolute(".helper.f", "mylab.neuron"), _absolute("..f", "mylab.neuron")
        ('torch.nn', 'mylab.neuron.helper.f', 'mylab.f')
    """
    bare = name.lstrip(".")
    above = len(name) - len(bare) - 1
    if above < 0:
        return name
    return ".".join([*package.split(".")[: len(package.split(".")) - above], bare])


@cache
def _read(path: Path, modified: int, size: int) -> tuple[str, tuple[str, ...]]:
    """Return the digest of a file's code, and the names that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    code = hashlib.sha256("".join(_canonical(tree)).encode()).hexdigest()[:16]
    return code, tuple(dict.fromkeys(_imports(tree)))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (f"{node.module}." if node.module else "")
            yield from (f"{start}{alias.name}" for alias in node.names)


def _canonical(node: object) -> Iterator[str]:
    """Yield a syntax tree as text, without docstrings; empty fields are left out, so that all Python versions give the same."""
    if isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for name, value in ast.iter_fields(node):
            if name == "body" and documented and ast.get_docstring(node, clean=False) is not None:
                value = value[1:]
            if value not in (None, []) and name not in ("type_comment", "type_ignores"):
                yield f" {name}="
                yield from _canonical(value)
        yield ")"
    elif isinstance(node, list):
        for one in node:
            yield from _canonical(one)
    else:
        yield repr(node)


def changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """List the files whose digest differs, as paths that start with the package's name.

    Example:
        >>> changed({"snnx.neuron.lif": "a", "snnx.neuron.node": "b"}, {"snnx.neuron.lif": "c", "snnx.neuron.node": "b"})
        ['snnx/neuron/lif.py']
    """
    names = sorted(name for name in {**before, **now} if before.get(name) != now.get(name))
    return [f"{name.replace('.', '/')}.py" for name in names]

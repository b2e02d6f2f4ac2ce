"""Computes digests of the code of a run: of all modules that its components import, directly or through others."""

import ast
import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from snnx.record.identity import NOT_PHYSICS, leaves

ROOTS = ("snnx.run.execute", "snnx.run.build", "snnx.run.component", "snnx.run.callback.reseed")
"""Modules that every run uses, besides its components."""
NO_NUMBERS = (
    "snnx.record.", "snnx.torch_file.", "snnx.options.", "snnx.logger.", "snnx.report.",
    "snnx.run.callback.epoch_log", "snnx.run.callback.progress", "snnx.run.callback.silent", "snnx.run.callback.stop",
    "snnx.run.callback.warn",
    "snnx.run.fork_server", "snnx.run.history", "snnx.run.outdated",
)  # fmt: skip
"""Packages and modules that only read files, write files or watch a run, so that an edit of them changes no number."""
SNNX = {"snnx": Path(__file__).resolve().parents[1]}
"""The package of snnx, which counts in every run."""


def sources(config: dict, packages: Mapping[str, Path] = SNNX, *, from_disk: bool = False) -> dict[str, str]:
    """Map the name of each module that the components of a configuration use to the digest of its code.

    All imports of a module are followed, also those inside functions, except imports of `NO_NUMBERS` and of other packages.
    The `__init__.py` of the packages above a module count too, because Python executes them. The
    digest is computed from the syntax tree without comments, docstrings and the messages of errors.

    Args:
        config: a resolved configuration as plain dicts; its values under `_target_` name the components.
        packages: the packages whose modules count, by name, with their folders. These are snnx and the user's own packages, not
            those of third parties.
        from_disk: whether the files are read as they are now, also in a process that has called `keep_loaded`.

    Example:
        >>> found = sources({"neuron": {"_target_": "snnx.neuron.lif.LIF"}})
        >>> "snnx.neuron.lif" in found, "snnx.neuron.node" in found, "snnx.dataset.mnist" in found, "snnx.record.job" in found
        (True, True, False, False)
    """
    physical = {key: value for key, value in config.items() if key not in NOT_PHYSICS}  # a logger, say, changes no number
    targets = [str(value) for key, value in leaves(physical) if key.rpartition(".")[2] == "_target_"]
    found: dict[str, str] = {}
    todo = [*ROOTS, *targets]
    while todo:
        name = _module_of(todo.pop(), packages)
        if name is not None and name not in found and not name.startswith(NO_NUMBERS):
            path = file_of(name, packages)
            loaded = None if from_disk else LOADED.get(path)
            found[name], imports = loaded or _read(path, path.stat().st_mtime_ns, path.stat().st_size)
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            todo += [_absolute(imported, package) for imported in imports]
            todo += [above for above in packages_above(name) if _has_code(above, packages)]
    return dict(sorted(found.items()))


def digest(found: dict[str, str]) -> str:
    """Combine the digests that `sources` returned to one, of 16 hexadecimal digits.

    Example:
        >>> digest({"a": "1"}) == digest({"a": "2"})
        False
    """
    return hashlib.sha256("\n".join(f"{name} {code}" for name, code in found.items()).encode()).hexdigest()[:16]


DEEPEST = 30
"""The number of parts of a dotted name that are looked at; a received one may have millions."""
LOADED: dict[Path, tuple[str, tuple[str, ...]]] = {}
"""The results of `_read` for all files of snnx at the time of `keep_loaded`; empty if it was not called in this process."""


def keep_loaded() -> None:
    """Read all files of snnx now, so that `sources` describes this state even if files are edited later.

    The fork server calls this when it loads snnx, because the runs that are forked from it use the code that it has loaded.
    """
    for path in sorted(SNNX["snnx"].rglob("*.py")):
        LOADED[path] = _read(path, path.stat().st_mtime_ns, path.stat().st_size)


def _module_of(name: str, packages: Mapping[str, Path]) -> str | None:
    """The module in which a dotted name is defined, for example `snnx.neuron.lif` for `snnx.neuron.lif.LIF`.

    Returns:
        `None` if it is not a module of one of the packages.
    """
    parts = name.split(".", DEEPEST)[:DEEPEST]
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if file_of(prefix, packages) is not None), None)


def packages_above(module: str) -> list[str]:
    """The packages that Python executes when it imports a module.

    Example:
        >>> packages_above("mylab.neuron.alif")
        ['mylab.neuron', 'mylab']
    """
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]


def _has_code(package: str, packages: Mapping[str, Path]) -> bool:
    """Whether a package has an `__init__.py` that is not empty."""
    path = file_of(package, packages)
    return path is not None and path.stat().st_size > 0


def file_of(module: str, packages: Mapping[str, Path]) -> Path | None:
    """Return the file of a module of one of the packages; `None` if there is none, or if the name has no module's form.

    Names come from received results too, in which a part such as `/etc/x` would lead out of the package.
    """
    first, *rest = module.split(".")
    if first not in packages or not all(map(str.isidentifier, rest)):
        return None
    return _existing(packages[first].joinpath(*rest))


@cache
def _existing(path: Path) -> Path | None:
    # unlike `Path.is_file`, this is false for a name that is too long or has a null byte
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if os.path.isfile(file)), None)


def _absolute(name: str, package: str) -> str:
    """Resolve an import in a module of `package`; the import may be relative.

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
    """The digest of a file's code, and the dotted names that it imports; the digest of the bytes if the file is not Python."""
    content = path.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return hashlib.sha256(content).hexdigest()[:16], ()
    text: list[str] = []
    _add_canonical(tree, text)
    code = hashlib.sha256("".join(text).encode()).hexdigest()[:16]
    return code, tuple(dict.fromkeys(_imports(tree)))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (f"{node.module}." if node.module else "")
            yield from (f"{start}{alias.name}" for alias in node.names)


def _add_canonical(node: object, text: list[str]) -> None:
    """Add a syntax tree to `text`, in a form that is the same in every version of Python, without empty fields.

    Statements that are only a string are left out: docstrings, and the strings after constants and attributes. Of an error that
    is raised, only its class is kept, since a run that raises it has no numbers.
    """
    if not isinstance(node, ast.AST):
        text.append(repr(node))
        return
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        node = ast.Raise(exc=node.exc.func)
    text.append(f"({type(node).__name__}")
    for name in node._fields:
        value = getattr(node, name, None)
        items = [item for item in value if not _is_only_a_string(item)] if isinstance(value, list) else [value]
        if items and value is not None and name not in ("type_comment", "type_ignores"):
            text.append(f" {name}=")
            for item in items:
                _add_canonical(item, text)
    text.append(")")


def _is_only_a_string(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

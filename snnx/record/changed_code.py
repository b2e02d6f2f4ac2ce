"""Says which files of code have changed since a run was computed, from the digests of both codes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from snnx.record.source import SNNX, file_of, packages_above
from snnx.record.visible import visible


def changed(files: Sequence[str]) -> str:
    """Say that files have changed: name the first and count the others.

    Example:
        >>> changed(["snnx/neuron/lif.py"]), changed(["a.py", "b.py", "c.py"])
        ('snnx/neuron/lif.py changed', 'a.py changed, and 2 more files')
    """
    return visible(f"{files[0]} changed") + more_files(len(files) - 1)


def more_files(count: int) -> str:
    """Say how many files there are besides the one that is named; nothing if there is none.

    Example:
        >>> more_files(2), more_files(1), more_files(0)
        (', and 2 more files', ', and 1 more file', '')
    """
    return f", and {count} more file{'s' if count > 1 else ''}" if count else ""


def changed_code(before: dict[str, str], now: dict[str, str], packages: Mapping[str, Path] = SNNX) -> str | None:
    """Say which files of code have changed; `None` if none has.

    If a file is missing, the others that differ are usually those that it imported, so it alone is named, unless another file
    was edited.

    Args:
        before, now, packages: see `changed_files`.

    Example:
        >>> changed_code({"snnx.neuron.gone": "a", "snnx.neuron.lif": "b"}, {})
        'snnx/neuron/gone.py is missing'
        >>> changed_code({"snnx.neuron.gone": "a", "snnx.neuron.lif": "b"}, {"snnx.neuron.lif": "c"})
        'snnx/neuron/lif.py changed, and 1 more file'
    """
    files = changed_files(before, now, packages)
    if files and files[0] in missing_files(before, now, packages):
        return visible(f"{files[0]} is missing")
    return changed(files) if files else None


def changed_files(before: dict[str, str], now: dict[str, str], packages: Mapping[str, Path] = SNNX) -> list[str]:
    """List the files whose code differs, as paths relative to the folder of their package.

    Edited files come first, then missing ones. After them come files that only one of the two uses, which may be because of an
    edited import.

    Args:
        before, now: results of `sources`.
        packages: see `sources`; they tell which modules of `now` are packages. Any other, such as one that is gone, is taken
            for a package if another module is below it.

    Example:
        >>> changed_files({"snnx.neuron.lif": "a", "snnx.neuron.node": "b"}, {"snnx.neuron.lif": "c", "snnx.neuron.node": "b"})
        ['snnx/neuron/lif.py']
        >>> changed_files({"mylab.alif": "a", "mylab.half": "b"}, {"mylab.quarter": "d", "mylab.alif": "c"})
        ['mylab/alif.py', 'mylab/half.py', 'mylab/quarter.py']
        >>> changed_files({"mylab.zeta": "a", "mylab.half": "b"}, {"mylab.zeta": "c"})
        ['mylab/zeta.py', 'mylab/half.py']
        >>> changed_files({"mylab": "a", "mylab.half": "b"}, {"mylab": "c", "mylab.half": "b"})
        ['mylab/__init__.py']
    """
    differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    gone = set(_missing(before, now, packages))
    names = sorted(differing, key=lambda name: (name not in before or name not in now, name not in gone, name))
    found = {name: file.name == "__init__.py" for name in names if name in now and (file := file_of(name, packages))}
    is_package = {name: found.get(name, any(one.startswith(f"{name}.") for one in (*before, *now))) for name in names}
    return [f"{name.replace('.', '/')}{'/__init__' if is_package[name] else ''}.py" for name in names]


def missing_files(before: dict[str, str], now: dict[str, str], packages: Mapping[str, Path] = SNNX) -> list[str]:
    """List the files, relative to the folder of their package, that `before` used and that are no longer on the disk.

    Args:
        before, now, packages: see `changed_files`.

    Example:
        >>> missing_files({"snnx.neuron.gone": "a", "snnx.neuron.lif": "b", "other.gone": "c"}, {})
        ['snnx/neuron/gone.py']
    """
    above = {package for name in before for package in packages_above(name)}
    return [f"{name.replace('.', '/')}{'/__init__' * (name in above)}.py" for name in _missing(before, now, packages)]


def _missing(before: dict[str, str], now: dict[str, str], packages: Mapping[str, Path]) -> list[str]:
    """List the modules of these packages that `before` used and that have no file; names of another form are left out."""
    parts = {name: name.split(".") for name in before if name not in now}
    named = [name for name, (first, *rest) in parts.items() if first in packages and all(map(str.isidentifier, rest))]
    return sorted(name for name in named if file_of(name, packages) is None)

"""Why a component could not be built, in one line."""

import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

from snnx.options.places import component_folders
from snnx.record.identity import leaves
from snnx.record.source import SNNX


def reason(error: BaseException) -> str:
    """Return the original message of an error, without Hydra's wrapping.

    File and line are added: those of the last line of the user's own packages that led to the error, or else of snnx. For
    example, torch raises an error about shapes in one of its own files, which says nothing about where the shapes come from.
    Nothing is added to a ValueError that a component raises itself, or that is about a value of the configuration.
    """
    while type(error).__module__.startswith("hydra") and error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    if type(error).__module__.startswith(("pytorch_lightning", "lightning_fabric")):
        return text
    if isinstance(error, SyntaxError) and Path(error.filename or "").is_file():
        return f"{error.filename} must be Python; line {error.lineno}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if _is_below(frame.filename, component_folders().values())]
    ours = [frame for frame in frames if _is_below(frame.filename, SNNX.values())]
    raised_here = bool(frames) and frames[-1] in users + ours and "raise" in (frames[-1].line or "")
    if isinstance(error, ValueError) and (raised_here or not users):
        return text
    last = (users or ours or frames)[-1]
    return f"{type(error).__name__}: {text} ({last.filename}:{last.lineno})"


def with_own_line(error: BaseException, config: Mapping) -> str:
    """Return the message of an error in a run, with the last line of the user's own packages that led to it.

    If no such line led to it, the run's own components are named. For example, a norm that returns another shape than it was
    given makes a later operation of torch fail.

    Args:
        error: the error.
        config: the configuration of the run.
    """
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if _is_below(frame.filename, component_folders().values())]
    if users:
        return f"{error} ({users[-1].filename}:{users[-1].lineno})"
    ours = bool(frames) and _is_below(frames[-1].filename, SNNX.values())  # our own messages name what they are about
    if ours or type(error).__name__ == "OutOfMemoryError":
        return str(error)
    packages = tuple(f"{name}." for name in component_folders())
    own = dict.fromkeys(
        f"{key.removesuffix('._target_')}={name}"
        for key, name in leaves(config)
        if key.endswith("._target_") and str(name).startswith(packages)
    )
    return f"{error} (this run has components of your own: {', '.join(own)})" if own else str(error)


def _is_below(file: str, packages: Iterable[Path]) -> bool:
    """Whether a file belongs to one of these packages or modules, of which a module has a path without its suffix."""
    path = Path(file)
    return any(path.is_relative_to(package) or path == package.with_suffix(".py") for package in packages)

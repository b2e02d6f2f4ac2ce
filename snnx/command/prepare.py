"""`snnx prepare`: fetch or check a data set once, so that no job ever downloads."""

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from snnx.command.parser import Parser
from snnx.dataset.examine import USABLE, examine
from snnx.dataset.fetch import fetch
from snnx.options.files import files
from snnx.options.nearest import nearest
from snnx.run.signature import constructor


def main(words: list[str]) -> int:
    """Run the command with `words`, what follows `snnx prepare`; returns the exit code.

    A data set's class takes part with three things: `files`, a tuple of `PublishedFile`; `samples_in(path)`, how many
    samples one of them holds; and `fetch(folder)`, which downloads all of them. A set of recordings says itself what is
    below a root, `examine(root, variant)`, fetches a variant, `fetch(folder, variant)`, and makes its frames, `prepared`.

    Example:
        >>> main(["digits"])
        digits: nothing to do, embedded
        0
    """
    parser = _parser()
    arguments = parser.parse_args(words)
    if arguments.dataset not in names():
        parser.error(
            f"DATASET must be one of {', '.join(names())}; got {arguments.dataset}{nearest(arguments.dataset, names())}"
        )
    try:
        dataset = _dataset(arguments.dataset)
    except ValueError as error:
        print(f"snnx prepare: {error}", file=sys.stderr)
        return 2
    if arguments.values and not hasattr(dataset, "prepared"):
        parser.error(f"KEY=VALUE must be of frames, which {arguments.dataset} has none of; got {arguments.values[0]}")
    if not dataset.files and not hasattr(dataset, "prepared"):
        print(f"{arguments.dataset}: nothing to do, embedded")
        return 0
    variants = getattr(dataset, "variants", ())
    if arguments.variant and arguments.variant not in variants:
        known = ", ".join(variants) or "left out: there is one version only"
        parser.error(f"--variant must be {known}; got {arguments.variant}")
    try:
        variant = _plain(arguments).get("variant") or next(iter(variants), "")
    except ValueError as error:
        parser.error(str(error))
    root = Path(arguments.root).expanduser().absolute()
    problem = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root):
            found = examine(dataset, root, variant)
            if {state for state, _ in found} - USABLE == {"missing"}:  # nothing else is wrong: complete it
                problem = fetch(dataset, root, variant)
                found = examine(dataset, root, variant)
    except OSError as error:
        print(f"snnx prepare {arguments.dataset}: {root} must be writable; got {error}", file=sys.stderr)
        return 1
    for state, line in found:
        print(f"{state:8}{line}")
    if problem:
        print(
            f"snnx prepare {arguments.dataset}: download failed ({problem}); put the missing files there",
            file=sys.stderr,
        )
    usable = all(state in USABLE for state, _ in found)
    if usable and hasattr(dataset, "prepared"):
        return _frames(dataset, arguments)
    return 0 if usable else 1


def _frames(dataset: type, arguments: argparse.Namespace) -> int:
    """Make the frames of a set of recordings, as its option has them."""
    try:
        folder = dataset.prepared(Path(arguments.root), arguments.timesteps, _plain(arguments))
    except (ValueError, OSError, ImportError) as error:
        print(f"snnx prepare {arguments.dataset}: {error}", file=sys.stderr)
        return 1
    print(f"frames  {folder}")
    return 0


def _plain(arguments: argparse.Namespace) -> dict:
    """What the option says of itself, with the values and the variant that are asked for.

    Raises:
        ValueError: a value is of a key that the option does not have.
    """
    option = yaml.safe_load(files("dataset")[arguments.dataset].read_text(encoding="utf-8"))
    plain = {key: value for key, value in option.items() if not str(value).startswith("${") and not key.startswith("_")}
    chosen = dict(word.partition("=")[::2] for word in arguments.values)
    for key in chosen:
        if key not in plain:
            raise ValueError(f"KEY=VALUE must set one of {', '.join(plain)}; got {key}{nearest(key, list(plain))}")
    plain |= {key: yaml.safe_load(value) for key, value in chosen.items()}
    return plain | ({"variant": arguments.variant} if arguments.variant else {})


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Wait until no other process prepares a data set below `root`; a dead one holds no lock.

    Where there cannot be a lock, nothing can be changed either, and looking needs none.
    """
    path = root / ".snnx-prepare.lock"
    try:
        file = path.open("w")
    except OSError:
        yield
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another snnx prepare, which holds {path}", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _dataset(name: str) -> type:
    """The class that the option's file names."""
    option = yaml.safe_load(files("dataset")[name].read_text(encoding="utf-8"))
    return constructor("dataset", option["_target_"])


def names() -> list[str]:
    """All data sets that are options."""
    return list(files("dataset"))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="snnx prepare",
        description="Fetch a data set that is not there yet, or check the one that is; one line a file.",
        epilog="example: snnx prepare nmnist size=32 --timesteps 8",
    )
    parser.add_argument("dataset", metavar="DATASET", help=", ".join(names()))
    parser.add_argument("values", nargs="*", metavar="KEY=VALUE", help="of frames, as in a run's dataset.KEY=VALUE")
    root = os.environ.get("SNNX_DATA", "data")
    parser.add_argument("--variant", metavar="NAME", help="of a data set that has several; default: its option's")
    parser.add_argument("--timesteps", type=int, default=10, metavar="T", help="frames of a recording; now: %(default)s")
    parser.add_argument("--root", default=root, metavar="PATH", help="where data sets lie (SNNX_DATA; now: %(default)s)")
    return parser

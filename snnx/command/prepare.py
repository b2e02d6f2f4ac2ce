"""The command `snnx prepare`: downloads or checks a data set once, so that runs never download anything."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from snnx.command import prepare_weights
from snnx.command.parser import Parser
from snnx.command.print_text import print_text
from snnx.command.refusal import complain
from snnx.dataset.examine import USABLE, examine
from snnx.dataset.fetch import fetch
from snnx.options.files import files
from snnx.options.nearest import nearest
from snnx.record.lock import acquire
from snnx.run.target import target


def main(words: list[str]) -> int:
    """Execute the command; `words` is the command line after `snnx prepare`, and the exit code is returned.

    The class of a data set of images must provide four things: `files`, a tuple of `PublishedFile`; `samples_in(path)`, the
    number of samples in one of these files; `fetch(folder)`, which downloads them all; and `packed`, the archives that it
    downloads. A data set of event recordings provides `examine(root, variant)`, which checks the files below a root,
    `fetch(folder, variant)`, which downloads a variant, and `prepared`, which converts the recordings to frames. A data set of
    the user's own pictures provides `examine` only.

    Example:
        >>> main(["digits"])
        digits: nothing to do, it needs no files
        0
    """
    if words[:1] == ["weights"]:
        return prepare_weights.main(words[1:])
    parser = _parser()
    arguments = parser.parse_args(words)
    if arguments.dataset not in names():
        parser.error(
            f"DATASET must be one of {', '.join(names())}; got {arguments.dataset}{nearest(arguments.dataset, names())}"
        )
    try:
        dataset = _dataset(arguments.dataset)
    except ValueError as error:
        complain(f"snnx prepare: {error}")
        return 2
    if arguments.values and not hasattr(dataset, "prepared"):
        word = arguments.values[0]
        hint = "" if "=" in word else f": write --root {word} if it is the folder of the files"
        parser.error(f"KEY=VALUE must be left out for {arguments.dataset}, which has no frames; got {word}{hint}")
    root = Path(arguments.root).expanduser().absolute()
    if not dataset.files and not hasattr(dataset, "prepared"):
        if hasattr(dataset, "examine"):
            return _printed(examine(dataset, root))
        print(f"{arguments.dataset}: nothing to do, it needs no files")
        return 0
    variants = getattr(dataset, "variants", ())
    if arguments.variant and arguments.variant not in variants:
        known = f"one of {', '.join(variants)}" if variants else f"left out for {arguments.dataset}, which has only one version"
        parser.error(f"--variant must be {known}; got {arguments.variant}")
    try:
        variant = _plain(arguments).get("variant") or next(iter(variants), "")
    except ValueError as error:
        parser.error(str(error))
    problem = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root):
            found = examine(dataset, root, variant)
            if {state for state, _ in found} - USABLE == {"missing"}:  # files are missing, all others are good
                problem = fetch(dataset, root, variant)
                found = examine(dataset, root, variant)
    except OSError as error:
        complain(f"snnx prepare {arguments.dataset}: {root} must be writable; got {error}")
        return 1
    code = _printed(found)
    if problem:
        complain(f"snnx prepare {arguments.dataset}: {problem}")
    if not code and hasattr(dataset, "prepared"):
        return _frames(dataset, arguments)
    return code


def _printed(found: list[tuple[str, str]]) -> int:
    """Print each state with its line; return 0 if the data set can be used, and 1 otherwise."""
    for state, line in found:
        print_text(f"{state:8}{line}")
    return 0 if all(state in USABLE for state, _ in found) else 1


def _frames(dataset: type, arguments: argparse.Namespace) -> int:
    """Convert the recordings of an event data set to frames, with the settings of its option."""
    try:
        folder, absent = dataset.prepared(Path(arguments.root), arguments.timesteps, _plain(arguments))
    except (ValueError, OSError, ImportError) as error:
        complain(f"snnx prepare {arguments.dataset}: {error}")
        return 1
    print(f"frames  {folder}")
    if absent:
        print(f"partial no recordings of class {', '.join(map(str, absent))}: is the copy complete?")
    return 0


def _plain(arguments: argparse.Namespace) -> dict:
    """Return the settings in the option's file, updated with the values and the variant from the command line.

    Raises:
        ValueError: the option does not have one of the given keys.
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
    """Wait until no other process prepares a data set below `root`; the lock of a process that has died is released.

    If the lock file cannot be created, `root` is read-only. Then nothing can be written there, and reading needs no lock.
    """
    path = root / ".snnx-prepare.lock"
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b", buffering=0)
    except OSError:
        yield
        return
    with file:
        if not acquire(file):
            print(f"waiting for another `snnx prepare`, which has locked {path}", file=sys.stderr)
            acquire(file, wait=True)
        yield


def _dataset(name: str) -> type:
    """Return the class that the option's file names."""
    option = yaml.safe_load(files("dataset")[name].read_text(encoding="utf-8"))
    return target("dataset", option["_target_"])


def names() -> list[str]:
    """Return the names of all data sets, which are the options of the group `dataset`."""
    return list(files("dataset"))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="snnx prepare",
        description="Download a data set that is missing, or check the one that is on this machine; prints one line per file.",
        epilog="example: snnx prepare nmnist size=32 --timesteps 8; snnx prepare weights NAME copies the weights of a record",
    )
    parser.add_argument("dataset", metavar="DATASET", help=", ".join(names()))
    parser.add_argument(
        "values", nargs="*", metavar="KEY=VALUE", help="settings of event frames, as in dataset.KEY=VALUE of a run"
    )
    root = os.environ.get("SNNX_DATA", "data")
    parser.add_argument("--variant", metavar="NAME", help="variant of the data set; default: that of its option")
    parser.add_argument("--timesteps", type=int, default=10, metavar="T", help="frames per recording; default: %(default)s")
    parser.add_argument("--root", default=root, metavar="PATH", help="folder of data sets; default: SNNX_DATA, now %(default)s")
    return parser

"""The command `snnx new NAME`: a folder with a neuron, a sweep, tests and CI of one's own."""

import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from snnx.command.parser import Parser

TEMPLATES = Path(__file__).parent / "project"
"""The folder as it is written, but for its name and the ending of its files, which keeps tools from reading them as code."""
ENDING, STANDS_FOR_NAME = ".template", "mylab"
NAME = re.compile(r"[a-z][a-z0-9_]*")


def main(words: list[str]) -> int:
    """Write the folder, and say what to do in it.

    Args:
        words: the command line after `snnx new`.

    Returns:
        The exit code: 0 if written, 1 if the disk refuses, 2 for a name that cannot be.
    """
    name = _parser().parse_args(words).name
    try:
        _check(name)
        write_project(Path(name))
    except ValueError as error:
        print(f"snnx new: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"snnx new: {Path.cwd()} must be writable; got {error}", file=sys.stderr)
        return 1
    print(f"{name}/ has a neuron, its option, a sweep with a claim, tests and CI; its README says more\n  cd {name}")
    print(f"  snnx neuron=tiring scale=smoke\n  snnx -m sweep={name}_tiring scale=smoke\n  python -m pytest")
    return 0


def write_project(folder: Path) -> None:
    """Write every template below `folder`, whose name takes the place of the templates' own.

    Raises:
        ValueError: the folder is there already.
    """
    if folder.exists() or folder.is_symlink():
        raise ValueError(f"NAME must be of a folder that is not there yet; got {folder}, which is")
    for template in sorted(TEMPLATES.rglob(f"*{ENDING}")):
        relative = str(template.relative_to(TEMPLATES)).removesuffix(ENDING).replace(STANDS_FOR_NAME, folder.name)
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.read_text(encoding="utf-8").replace(STANDS_FOR_NAME, folder.name), encoding="utf-8")


def _check(name: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ValueError(f"NAME must be a package's, small letters, digits and _ and no word of Python; got {name}")
    if name in (path.name for path in TEMPLATES.iterdir() if path.name != STANDS_FOR_NAME):
        raise ValueError(f"NAME must not be that of a folder inside it; got {name}")
    if Path(name).exists():
        return  # which is what `write_project` complains of: in this folder it could be imported, too
    if name in sys.stdlib_module_names or find_spec(name) is not None:
        raise ValueError(f"NAME must be a package's that neither Python nor an installed package has; got {name}")


def _parser() -> Parser:
    parser = Parser(
        prog="snnx new",
        description="Write a folder of your own: one neuron, its option, a sweep with a claim, tests by snnx.testing, and CI.",
        epilog="example: snnx new mylab",
    )
    parser.add_argument("name", metavar="NAME", help="of the folder and of its package")
    return parser

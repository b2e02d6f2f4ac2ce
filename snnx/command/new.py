"""The command `snnx new NAME`: writes a folder for the user's own components, with a neuron, a sweep, tests and CI."""

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
    """Write the folder, and print the commands to try in it.

    Args:
        words: the command line after `snnx new`.

    Returns:
        The exit code: 0 if the folder was written, 1 if it cannot be written here, 2 for a name that is not allowed.
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
    """Write all templates into `folder`, with the folder's name in place of `mylab`.

    Raises:
        ValueError: the folder exists already.
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
        return  # `write_project` reports this; the check below would call the folder an installed package
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

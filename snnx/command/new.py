"""The command `snnx new NAME`: writes a folder for the user's own components, with a neuron, a sweep, tests and CI."""

import keyword
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from snnx.command.installed_from import requirement
from snnx.command.parser import Parser
from snnx.command.refusal import complain

TEMPLATES = Path(__file__).parent / "project"
"""The files of the new folder as templates; their ending keeps tools from reading them as code of snnx."""
ENDING, PLACEHOLDER = ".template", "mylab"
"""In a copy of a template, the ending is removed from the file's name, and the folder's name replaces the placeholder."""
STEP = "# snnx"
"""The line of the CI file's template that is replaced by the step that installs snnx."""
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
        complain(f"snnx new: {error}")
        return 2
    except OSError as error:
        complain(f"snnx new: {Path.cwd()} must be writable; got {error}")
        return 1
    print(f"wrote {name}/ with a neuron, its option, a sweep with claims, tests and CI; see its README, and try:\n  cd {name}")
    print(f"  snnx neuron=tiring\n  snnx -m sweep={name}_tiring\n  python -m pytest     # after pip install pytest")
    return 0


def write_project(folder: Path) -> None:
    """Write all templates into `folder`, with the folder's name in place of `mylab`.

    Raises:
        ValueError: the folder exists already.
    """
    if folder.exists() or folder.is_symlink():
        raise ValueError(f"NAME must be the name of a new folder; got {folder}, which exists")
    for template in sorted(TEMPLATES.rglob(f"*{ENDING}")):
        relative = str(template.relative_to(TEMPLATES)).removesuffix(ENDING).replace(PLACEHOLDER, folder.name)
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        text = template.read_text(encoding="utf-8").replace(PLACEHOLDER, folder.name).replace(f"      {STEP}\n", installation())
        path.write_text(text, encoding="utf-8")


def installation() -> str:
    """Return the step of the CI file that installs snnx, as YAML: from where it was installed here, if CI can get it there."""
    found = requirement("snnx")
    if found is None:
        return (
            "      # snnx was installed here from a folder or file that CI does not have. Complete the next line with a place\n"
            "      # that CI can read, such as git+https://HOST/snnx.git, or the path of a wheel that you commit here.\n"
            f"{_step('snnx @ COMPLETE_THIS_LINE')}"
        )
    return "" if found == "snnx" else _step(found)  # from an index, `pip install` of the folder gets it by itself


def _step(package: str) -> str:
    return f"      - run: pip install --extra-index-url https://download.pytorch.org/whl/cpu '{package}'\n"


def _check(name: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ValueError(f"NAME must consist of small letters, digits and _, and must not be a keyword of Python; got {name}")
    if name in (path.name for path in TEMPLATES.iterdir() if path.name != PLACEHOLDER):
        raise ValueError(f"NAME must not be the name of a folder inside it; got {name}")
    if Path(name).exists():
        return  # `write_project` reports this; the check below would call the folder an installed package
    if name in sys.stdlib_module_names or find_spec(name) is not None:
        raise ValueError(f"NAME must not be the name of an installed package or of a module of Python; got {name}")


def _parser() -> Parser:
    parser = Parser(
        prog="snnx new",
        description="Write a folder for your own components, with a neuron, its option, a sweep with claims, tests and CI.",
        epilog="example: snnx new mylab",
    )
    parser.add_argument("name", metavar="NAME", help="name of the folder and of its package")
    return parser

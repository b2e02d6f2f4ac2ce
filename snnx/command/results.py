"""The command `snnx results`: writes the page that summarises the committed record."""

from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.refusal import REFUSED, complain
from snnx.record.write import write
from snnx.report.pages.index import page


def main(words: list[str]) -> int:
    """Write the page from the committed record, and print its path.

    Returns:
        The exit code: 0 if all is well, 2 for a record that cannot be read.
    """
    parser = Parser(
        prog="snnx results",
        description="Write the page that summarises the committed record: every sweep, its claims, and what has not run.",
        epilog="example: snnx report dtst_fig10_neurons --record && snnx results",
    )
    parser.add_argument("--docs", metavar="DIR", type=Path, default=Path("docs/results"), help="default: %(default)s")
    arguments = parser.parse_args(words)
    try:
        if not arguments.docs.is_dir():
            raise ValueError(f"--docs must be the folder of the record, such as docs/results; got {arguments.docs}")
        print(write(arguments.docs / "README.md", page(arguments.docs)))
    except REFUSED as error:
        complain(f"snnx results: {error}")
        return 2
    return 0

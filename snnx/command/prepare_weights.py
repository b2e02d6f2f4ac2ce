"""The command `snnx prepare weights NAME`: checks the weights that were kept with a record, and copies them to `outputs/`."""

import json
from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.refusal import REFUSED, refusal
from snnx.options.nearest import nearest
from snnx.record.form import wrong_form
from snnx.record.kept_weights import NAME, sha256
from snnx.record.read import read
from snnx.record.write import write


def main(words: list[str]) -> int:
    """Copy the weights of a sweep's record to `outputs/weights/NAME.safetensors`, if they are those of the record.

    Args:
        words: the command line after `snnx prepare weights`.

    Returns:
        The exit code: 0 if all is well, 2 if there are no such weights, or if their SHA-256 is not that of the record.
    """
    arguments = _parser().parse_args(words)
    try:
        line = _recorded(arguments.name, arguments.docs)
        path = (arguments.source or arguments.docs) / arguments.name / NAME
        if not path.is_file():
            raise ValueError(f"{path} must exist; got none: give the folder of the published weights by --from FOLDER")
        if (found := sha256(path)) != line["weights"]:
            raise ValueError(f"{path} must have the SHA-256 of the record, {line['weights']}; got {found}: fetch it again")
        to = arguments.outputs / "weights" / f"{arguments.name}.safetensors"
        write(to, path.read_bytes())  # replaces a link, where a copy would overwrite the file that it leads to
    except REFUSED as error:
        return refusal("prepare weights", error)
    accuracy = line["metrics"].get("test/acc")
    print(f"{to}: {line['row']}, seed {line['seed']}, {line['scale']}; test/acc {accuracy}")
    print(f"test it again: snnx evaluate checkpoint={to}")
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="snnx prepare weights",
        description="Copy the weights that were kept with a record to outputs/weights/, after comparing their SHA-256 with "
        "the record.",
        epilog="example: snnx prepare weights ds2ta_table4_ablation",
    )
    parser.add_argument("name", metavar="NAME", help="a sweep whose record has weights")
    parser.add_argument("--from", dest="source", metavar="FOLDER", type=Path, help="the published weights; default: the record")
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--docs", metavar="DIR", type=Path, default=Path("docs/results"), help="default: %(default)s")
    return parser


def _recorded(name: str, docs: Path) -> dict:
    """Return the line of a sweep's record whose run has its weights kept.

    Raises:
        ValueError: there is no such sweep, or its record has no weights.
    """
    lines = {path.parent.name: line for path in sorted(docs.glob("*/runs.jsonl")) if (line := _with_weights(path)) is not None}
    if name not in lines:
        raise ValueError(
            f"NAME must be a sweep whose record has weights, {', '.join(lines) or 'of which there are none'}; got {name}"
            f"{nearest(name, lines)}"
        )
    return lines[name]


def _with_weights(path: Path) -> dict | None:
    for text in read(path).splitlines():
        if b'"weights"' in text:  # parsing all lines of all records would take a second
            try:
                line = json.loads(text)
            except (ValueError, RecursionError):
                continue
            if wrong_form(line) is None and line.get("weights"):
                return line
    return None

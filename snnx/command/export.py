"""The command `snnx export`: writes a finished run in a format that other programs read."""

from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.refusal import complain
from snnx.options.nearest import nearest

FORMATS = ("safetensors", "nir")
KEYS = ("checkpoint", "format", "to", "fold")
FOLD = {"true": True, "false": False}


def main(words: list[str]) -> int:
    """Write the requested files and print their paths, or print in one line why that failed.

    Args:
        words: the command line after `snnx export`.

    Returns:
        The exit code: 0 if all is well, 2 for a mistake in the command line, a run that cannot be opened, or a network that
        cannot be exported.
    """
    try:
        for path in _export(*_parsed(_parser().parse_args(words).words)):
            print(path)
    except (ValueError, OSError) as error:
        complain(f"snnx export: {error}")
        return 2
    return 0


def _parsed(words: list[str]) -> tuple[str, str, Path | None, bool]:
    values = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in KEYS or not equals:
            raise ValueError(f"a word must be one of checkpoint=, format=, to= and fold=; got {word}{nearest(key, KEYS)}")
        values[key] = value
    if "checkpoint" not in values:
        raise ValueError("checkpoint= must name a run's folder, a .ckpt in it, or a .safetensors file of snnx export; got none")
    form = values.get("format", "safetensors")
    if form not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {form}")
    if (fold := values.get("fold", "false")) not in FOLD:
        raise ValueError(f"fold must be true or false; got {fold}")
    if FOLD[fold] and form != "nir":
        raise ValueError(f"fold=true must be used with format=nir; got format={form}, which has no pooling layers to fold")
    return values["checkpoint"], form, Path(values["to"]) if "to" in values else None, FOLD[fold]


def _export(checkpoint: str, form: str, to: Path | None, fold: bool) -> list[Path]:
    from snnx.backbone.fold import fold_average_pooling
    from snnx.export.nir_file import export_nir
    from snnx.export.weights_file import export_weights
    from snnx.run.reopen import reopen
    from snnx.run.signature import check_signatures

    run = reopen(checkpoint)
    check_signatures(run.config)
    to = to or Path(f"{run.id}.{form}")
    if form == "safetensors":
        return export_weights(run, to)
    method, shape = _network(run)
    export_nir(fold_average_pooling(method.backbone, shape) if fold else method.backbone, shape, to)
    return [to]


def _network(run) -> tuple:
    """Return the run's method with its weights, and the shape of the backbone's input at one time step."""
    from snnx.method.ttfs import TTFS
    from snnx.run.build import build_data

    data = build_data(run.config)
    method = run.build({**run.config, "metric": {}}, data)
    if isinstance(method, TTFS):
        raise ValueError("format=nir needs a run of method=direct; got TTFS, whose layers exchange spike times, unlike NIR's")
    if method.converts:
        raise ValueError(
            f"format=nir needs a run of method=direct; got {type(method).__name__}, whose neurons have a soft reset, "
            "unlike NIR's"
        )
    if any(True for _ in method.encoding.parameters()):
        raise ValueError(
            "format=nir needs an encoding without weights, because the graph begins at the backbone; got "
            f"{type(method.encoding).__name__}: use format=safetensors, which contains its weights too"
        )
    _, *size = data.shape
    return method, (method.encoding.out_channels, *size)


def _parser() -> Parser:
    parser = Parser(
        prog="snnx export",
        usage="snnx export checkpoint=PATH [format=safetensors|nir] [to=FILE] [fold=true]",
        description="Write a finished run for other programs. format=safetensors writes its weights; method.checkpoint= and "
        "backbone.weights= can read the file. format=nir writes its network, after checking that it gives the same spikes; "
        "fold=true folds average pooling into the layers that read it.",
        epilog="example: snnx export checkpoint=outputs/single/seed=0 format=nir to=network.nir",
    )
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE")
    return parser

"""The command `snnx evaluate`: tests a finished run with other metrics."""

import os
import re
from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.print_text import print_text
from snnx.command.refusal import REFUSED, complain, refusal


def main(words: list[str]) -> int:
    """Test a finished run again and print what was measured.

    Args:
        words: the command line after `snnx evaluate`.

    Returns:
        The exit code: 0 if all is well, 1 if the data set is not on this machine, 2 for a mistake in the command line or a run
        that cannot be opened.
    """
    arguments = _parser().parse_intermixed_args(words)
    checkpoint, others = split(arguments.words)
    if checkpoint is None:
        must = "checkpoint= must name a run's folder, a .ckpt in it, or a .safetensors file of snnx export"
        complain(f"snnx evaluate: {must}; got none")
        return 2
    from snnx.record.result_file import to_json
    from snnx.record.write import write
    from snnx.run.retest import retest

    try:
        if arguments.json:
            _require_writable(arguments.json)
        found = retest(checkpoint, others)
        written = write(arguments.json, to_json(found)) if arguments.json else None
    except REFUSED as error:
        return refusal("evaluate", error)
    print_text(table(found) + (f"\n{written}" if written else ""))
    return 0


def _require_writable(path: Path) -> None:
    """Check before the test that the result can be written after it.

    Raises:
        ValueError: the path is a folder, or its parent folder cannot be written to.
    """
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(f"--json must name a file that can be written; got {path}")


def split(words: list[str]) -> tuple[str | None, list[str]]:
    """Separate the value of `checkpoint=`, or a path without it, from the other words.

    Example:
        >>> split(["metric=anytime", "checkpoint=outputs/single/seed=0"])
        ('outputs/single/seed=0', ['metric=anytime'])
    """
    key = "checkpoint="
    words = [word if "=" in word and not Path(word).exists() else key + word.removeprefix(key) for word in words]
    named = [word.removeprefix(key) for word in words if word.startswith(key)]
    return (named[-1] if named else None), [word for word in words if not word.startswith(key)]


def table(found: dict) -> str:
    """Format the numbers of the whole test set as a table, followed by each curve's mean over time for each layer.

    Example:
        >>> metrics = {"test/acc": 0.5, "test/firing_rate": 0.25}
        >>> layers = {"firing_rate": {"test": {"sn1": [0.2, 0.4], "sn2": [0.2, 0.2]}}}
        >>> found = {"checkpoint": "ckpt/best.ckpt", "epoch": 9, "last_epoch": 10, "changed": [], "formulas": {}}
        >>> print(table({**found, "metrics": metrics, "layers": layers}))
        ckpt/best.ckpt, epoch 9; the numbers in result.json are of epoch 10, the last one, unless their key ends in _best
          test/acc          0.5
          test/firing_rate  0.25
        firing_rate by layer, mean over time steps
          sn1  0.3
          sn2  0.2
    """
    lines = [_opened(found)]
    lines += [f"  changed {change}" for change in found["changed"]]
    lines += [f"  the run is out of date: {found['outdated']}"] if found.get("outdated") else []
    shown = {key: value for key, value in found["metrics"].items() if key.startswith("test/")}
    width = max(map(len, shown))
    for key, value in shown.items():
        text = found["formulas"].get(re.sub(r"_at_\d+$", "", key))  # `x_at_8` has the formula of `x`
        lines.append(f"  {key:<{width}}  {value:.6g}{f'   = {text}' if text else ''}")
    for curve, kinds in found["layers"].items():
        layers = {layer: values for layer, values in kinds.get("test", {}).items() if values}
        if len(layers) > 1:
            width = max(map(len, layers))
            lines.append(f"{curve} by layer, mean over time steps")
            lines += [f"  {layer:<{width}}  {sum(values) / len(values):.6g}" for layer, values in layers.items()]
    return "\n".join(lines)


def _opened(found: dict) -> str:
    if found["checkpoint"] is None:
        return "the run was not trained; its initial network was tested"
    if found["epoch"] in (None, found["last_epoch"]):
        return found["checkpoint"]
    others = f"the numbers in result.json are of epoch {found['last_epoch']}, the last one, unless their key ends in _best"
    return f"{found['checkpoint']}, epoch {found['epoch']}; {others}"


def _parser() -> Parser:
    parser = Parser(
        prog="snnx evaluate",
        usage="snnx evaluate checkpoint=PATH [metric=[A,B]] [KEY=VALUE ...] [--json FILE]",
        description="Test a finished run again, for example with other metrics. PATH is a run's folder, whose best epoch is "
        "tested, a .ckpt file, or a .safetensors file of snnx export. KEY=VALUE changes a value of the run's configuration, "
        "such as dataset.root=data.",
        epilog="example: snnx evaluate checkpoint=outputs/single/seed=0 metric=[anytime,spikes_per_neuron]",
    )
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write all numbers to this file")
    return parser

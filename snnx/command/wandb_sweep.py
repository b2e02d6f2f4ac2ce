"""The command `snnx wandb-sweep NAME`: converts a sweep file to a sweep definition of Weights & Biases."""

import argparse
from pathlib import Path

import yaml

from snnx.command.parser import Parser
from snnx.command.refusal import complain
from snnx.compose.secret import reject_secrets_in
from snnx.options.files import files
from snnx.options.sweepfile import SweepFile, find, read
from snnx.record.write import write


def main(words: list[str]) -> int:
    """Write the definition to a file; nothing is sent to W&B.

    Args:
        words: the command line after `snnx wandb-sweep`.

    Returns:
        The exit code: 0 if it was written, 2 for a name, a file or an override that is wrong.
    """
    arguments = _parser().parse_args(words)
    try:
        reject_secrets_in(("an override", override) for override in arguments.overrides)
        path = write(arguments.outputs / arguments.name / "wandb.yaml", text(read(find(arguments.name)), arguments.overrides))
    except ValueError as error:
        complain(f"snnx wandb-sweep: {error}")
        return 2
    print(f"{path}\n  wandb sweep {path}        run once: registers the sweep and prints the command of an agent")
    print("  wandb agent ...                      run on every machine that should take part, in any folder")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="snnx wandb-sweep",
        description="Write a sweep file as a W&B sweep definition: a grid over rows and seeds whose runs W&B's agents execute.",
        epilog="example: snnx wandb-sweep dtst_fig10_neurons scale=small",
    )
    parser.add_argument("name", metavar="NAME", help="name of a sweep, as in sweep=NAME")
    parser.add_argument("overrides", metavar="KEY=VALUE", nargs="*", help="further overrides, for every run")
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    return parser


def text(sweep: SweepFile, overrides: list[str]) -> str:
    """Return the definition as YAML.

    Raises:
        ValueError: an override is not of the form `key=value` with a single value, or an axis of the sweep is not a plain list.

    Example:
        >>> made = yaml.safe_load(text(read(find("demo_neurons")), ["scale=smoke"]))
        >>> made["command"]
        ['${env}', '${program}', 'sweep=demo_neurons', 'logger=wandb', 'scale=smoke', '${args_no_hyphens}']
        >>> made["parameters"]
        {'row': {'values': ['IF', 'LIF', 'PLIF', 'KLIF']}, 'seed': {'values': [0, 1, 2]}}
    """
    axes = {"row": [row.label for row in sweep.live]} if sweep.live else {}
    params = sweep.body.get("hydra", {}).get("sweeper", {}).get("params", {})
    axes |= {key: _values(sweep.name, key, str(value)) for key, value in params.items()}
    for word in overrides:
        if "=" not in word or "," in word.partition("[")[0] or word.startswith("-"):
            raise ValueError(f"an override must be key=value with one value; got {word}: write axes into the sweep file")
        axes.pop(word.partition("=")[0], None)
    option = yaml.safe_load(files("logger")["wandb"].read_text(encoding="utf-8"))
    definition = {
        "name": sweep.name,
        "description": sweep.title.splitlines()[0] if sweep.title else sweep.artifact,
        "project": option["wandb"]["project"],
        "method": "grid",
        "program": "snnx",
        # Hydra does not accept --key=value, so W&B must pass the arguments without hyphens
        "command": ["${env}", "${program}", f"sweep={sweep.name}", "logger=wandb", *overrides, "${args_no_hyphens}"],
        "parameters": {key: {"values": values} for key, values in axes.items()},
    }
    return yaml.safe_dump(definition, sort_keys=False, allow_unicode=True, width=128)


def _values(name: str, key: str, axis: str) -> list[str | int]:
    if set(axis) & set("()[]{}"):
        raise ValueError(f"{name}.yaml: {key} must be a plain list such as 0,1,2 to become a W&B sweep; got {axis}")
    return [int(value) if value.strip().isdigit() else value.strip() for value in axis.split(",")]

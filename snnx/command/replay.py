"""The command `snnx replay NAME`: checks whether the present code still gives the recorded numbers."""

import argparse
import json
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.refusal import REFUSED, complain
from snnx.options.nearest import nearest
from snnx.options.received import check_keys
from snnx.options.sweepfile import find
from snnx.record import provenance, source
from snnx.record.identity import changes
from snnx.record.masked import masked
from snnx.record.result_file import parsed
from snnx.record.visible import visible
from snnx.record.write import write

OWN = ("tuned", "label")
"""Keys that a row of a sweep file may not set, but that a recorded run may have; they change nothing in a replay."""
CONFIRMED, DIFFERS, FAILED, SKIPPED = "[confirmed]", "[differs]", "[failed]", "[not run]"


def main(words: list[str]) -> int:
    """Replay recorded runs, print a line for each, and mark the confirmed ones in the record.

    Args:
        words: the command line after `snnx replay`.

    Returns:
        The exit code: 0 if no run differs from its record, 1 if one does, 2 for a mistake in the command line.
    """
    arguments = _parser().parse_args(words)
    path = arguments.docs / arguments.name / "runs.jsonl"
    try:
        find(arguments.name)
        if not path.is_file():
            recorded = [file.parent.name for file in arguments.docs.glob("*/runs.jsonl")]
            hint = nearest(arguments.name, recorded)
            raise ValueError(
                f"NAME must be a sweep with a record; got {arguments.name}, which has no {path}"
                + (hint or f": make one by snnx report {arguments.name} --record")
            )
        lines = [_parsed(line, f"{path}:{number}") for number, line in enumerate(path.read_bytes().splitlines(), start=1)]
        asked = _asked(lines, arguments)
        chosen = _chosen(asked, arguments)
    except REFUSED as error:
        complain(f"snnx replay: {error}")
        return 2
    os.environ["HYDRA_FULL_ERROR"] = "1"
    states = []
    if arguments.seed is None and len(chosen) < len(asked):
        others = ", ".join(map(str, sorted({line["seed"] for line in asked if line not in chosen})))
        print(
            f"replaying {len(chosen)} of {len(asked)} recorded runs, one seed of each row; --seed N replays another: {others}"
        )
    for line in chosen:
        state, explanation = _replay(line, arguments.outputs)
        states.append(state)
        print(visible(masked(f"{state} {_title(line)}: {explanation}")), flush=True)
        if state in (CONFIRMED, DIFFERS):
            write(path, "".join(json.dumps(result) + "\n" for result in lines))
    return 1 if {DIFFERS, FAILED} & set(states) else 0


def _parser() -> Parser:
    parser = Parser(
        prog="snnx replay",
        description="Train each recorded run again for its first ten steps, or for its first epoch if the record has no losses "
        "of steps, and compare the losses with the recorded ones. Test it again too if its weights are in --outputs, or if it "
        "was not trained. Runs that agree are marked as confirmed by the present code. One seed of each row is replayed.",
        epilog="example: snnx replay demo_every_part",
    )
    parser.add_argument("name", metavar="NAME", help="name of a sweep that has a record")
    parser.add_argument("--row", metavar="A,B", help="only these rows")
    parser.add_argument("--seed", metavar="N", type=int, help="only this seed; default: the first seed of each row")
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    parser.add_argument("--docs", metavar="DIR", type=Path, default=Path("docs/results"), help="default: %(default)s")
    return parser


def _parsed(line: bytes, place: str) -> dict:
    result = parsed(line)
    if isinstance(result, str):
        raise ValueError(f"{place}: {result}: restore or delete the line")
    return result


def _asked(lines: list[dict], arguments: argparse.Namespace) -> list[dict]:
    """Return the lines of the rows that are asked for, with all seeds."""
    done = [line for line in lines if line["status"] == "done"]
    rows = sorted({line["row"] for line in done})
    asked = arguments.row.split(",") if arguments.row else rows
    if unknown := sorted(set(asked) - set(rows)):
        raise ValueError(f"--row must be among {', '.join(rows)}; got {', '.join(unknown)}")
    return [line for line in done if line["row"] in asked]


def _chosen(asked: list[dict], arguments: argparse.Namespace) -> list[dict]:
    """Return the lines to replay: for each row and scale the first seed, unless a seed is given."""
    found: dict[tuple, dict] = {}
    for line in sorted(asked, key=lambda line: line["seed"]):
        if arguments.seed in (None, line["seed"]):
            found.setdefault((line["row"], line["scale"], line.get("further")), line)
    if not found:
        raise ValueError(f"--seed must be a recorded seed; got {arguments.seed}")
    return list(found.values())


def _title(line: dict) -> str:
    """Return row, further overrides, seed and scale of a recorded run.

    Example:
        >>> _title({"row": "IF", "seed": 0, "scale": "small", "further": "optimizer.lr=0.002"})
        'IF optimizer.lr=0.002 seed=0 small'
    """
    row = f"{line['row']} {line.get('further') or ''}".strip()
    return f"{row} seed={line['seed']} {line['scale']}"


def _train_again(line: dict) -> str:
    return f"train the run again, snnx {shlex.join(_words(line))}, and record it, snnx report {line.get('sweep')} --record"


def _words(line: dict) -> list[str]:
    """Return the overrides of a recorded run, without those that decide whether it is executed."""
    return [word for word in line.get("overrides", ()) if word.split("=")[0] not in ("force", "recorded", "outdated")]


def _replay(line: dict, outputs: Path) -> tuple[str, str]:
    """Replay one line of the record, and return its state and an explanation with the next step.

    A confirmed line is marked in place.
    """
    from snnx.compose.single import composed
    from snnx.dataset.published import NoData
    from snnx.run.outdated import code_of
    from snnx.run.replay import replay
    from snnx.run.replay_test import replay_test, weights_of

    words = _words(line)
    try:
        check_keys((key for key, *_ in (word.split("=") for word in words) if key not in OWN), f"row {line['row']}")
    except ValueError as error:  # the record's overrides are wrong, so no command is shown
        return FAILED, str(error)
    try:
        job = composed(words, "snnx replay")
        if job.id != line["hash"]:
            told = ", ".join(changes(line.get("physics") or {}, job.config)[:3])
            return DIFFERS, f"its overrides give another configuration today: {told}; if that is intended, {_train_again(line)}"
        trained, weights = job.config["trainer"]["max_epochs"] > 0, weights_of(outputs / "runs" / line["hash"])
        losses, first, trainer = line.get("first_losses"), None, job.config["trainer"]
        several = trainer["devices"] * trainer.get("num_nodes", 1) > 1  # their losses are of one process's part of each batch
        if trained and not several:
            first = replay(
                job.config,
                losses or line["curves"]["train/loss"][:1],
                by_epoch=not losses,
                recorded_on=line.get("device") or "cpu",
            )
        test = None
        if weights or not trained:
            test = replay_test(job.config, line["metrics"], weights, recorded_on=line.get("device") or "cpu")
    except NoData as error:
        return SKIPPED, f"no data: {error}"
    except Exception as error:  # any component may fail; the other lines are still replayed
        told = " ".join(str(error).split())
        return FAILED, f"{type(error).__name__}: {told}; for the full error, run it alone: snnx {shlex.join(words)}"
    what = ([f"{len(first.now)} first losses" if losses else "the loss of the first epoch"] if first else []) + (
        [f"{len(test.now)} numbers of the test"] if test else []
    )
    told = ([first.told(what[0])] if first else []) + [str(test) if test else "no weights here, so the test was not repeated"]
    if several:
        told.append("it was trained on several devices, so the training was not repeated")
    if not what:
        return SKIPPED, "; ".join(told)
    if not all(found.agrees for found in (first, test) if found):
        line.pop("confirmed", None)  # it was confirmed by earlier code
        told.append("if a change of snnx intends that, do what CONTRIBUTING.md says about numbers")
        told.append(f"if a change of your own component does, {_train_again(line)}")
        return DIFFERS, "; ".join(told)
    line["confirmed"] = {
        "code": source.digest(code_of(job.config)),
        "git": provenance.git(),
        "versions": provenance.versions(),
        "by": " and ".join(what),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return CONFIRMED, "; ".join(told)

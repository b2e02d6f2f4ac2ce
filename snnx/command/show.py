"""The command `snnx show`: draws test samples as the network receives them."""

import argparse
import os
from pathlib import Path

from snnx.command.parser import Parser
from snnx.command.refusal import complain


def main(words: list[str]) -> int:
    """Draw some test samples, and print the path of the picture.

    Args:
        words: the command line after `snnx show`.

    Returns:
        The exit code: 0 if all is well, 1 if the data set is not on this machine, 2 for a mistake in the command line.
    """
    arguments, overrides = _parser().parse_known_args(words)
    if arguments.samples < 1:
        complain(f"snnx show: --samples must be at least 1; got {arguments.samples}")
        return 2
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise errors, so that we can print our own line
    from snnx.compose.complaint import COMPLAINTS, complaint
    from snnx.dataset.published import NoData

    try:
        path = _show(overrides, arguments)
    except NoData as error:
        complain(f"snnx show: {error}")
        return 1
    except COMPLAINTS as error:
        complain(f"snnx show: {complaint(error, overrides)}")
        return 2
    except (ValueError, OSError, ImportError) as error:
        complain(f"snnx show: {error}")
        return 2
    print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="snnx show",
        usage="snnx show [KEY=VALUE ...] [--samples N] [--outputs DIR]",
        description="Draw test samples as the network gets them: images with their encoding, or event frames in two colours.",
        epilog="example: snnx show dataset=nmnist timesteps=8",
    )
    parser.add_argument("--samples", metavar="N", type=int, default=8, help="number of samples; default: %(default)s")
    parser.add_argument("--outputs", metavar="DIR", type=Path, default=Path("outputs"), help="default: %(default)s")
    return parser


def _show(overrides: list[str], arguments: argparse.Namespace) -> Path:
    from snnx.compose.check import check
    from snnx.compose.single import composed
    from snnx.record.write import write
    from snnx.show.sheet import draw, sheet

    run = composed(overrides, "snnx show")
    if _of_events(run.config) and not any(word.startswith("encoding=") for word in overrides):
        run = composed([*overrides, "encoding=events"], "snnx show")  # the only encoding for event data
    check(run)
    name = ",".join(overrides).replace("/", "_")[:200] or "default"
    return write(arguments.outputs / "show" / f"{name}.png", draw(*sheet(run.config, arguments.samples)))


def _of_events(config: dict) -> bool:
    from snnx.dataset.event_camera import EventCamera
    from snnx.run.target import target

    return issubclass(target("dataset", config["dataset"]["_target_"]), EventCamera)

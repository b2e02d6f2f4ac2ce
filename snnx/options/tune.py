"""Reads the key `tune` of a sweep file: each row is searched with the same budget before the rows are compared."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snnx.options.nearest import nearest
from snnx.options.received import check_keys

KEYS = {"keys", "trials", "epochs", "seeds", "rows", "objectives"}
REQUIRED = ("keys", "trials", "epochs")
ACCURACY = "val/acc"
"""What every search maximises: the validation accuracy after the last epoch of a trial."""
RESERVED = {"seed", "row", "sweep", "scale", "recipe", "budget.epochs", "dataset.validation"}
"""Keys that a search cannot vary: it sets them itself, or they would turn a trial into another row or change its budget."""
SPACE = re.compile(r".*\(.*\)|.+,.+", re.DOTALL)  # a sweep in Hydra's syntax; the sweeper parses it
SUFFIX = "-tuned"


@dataclass(frozen=True)
class Tune:
    """How each row of a sweep is searched."""

    keys: dict[str, str]  # the search space of each key, in Hydra's syntax
    trials: int  # for each row
    epochs: float  # share of the row's epochs that a trial trains
    seeds: int  # number of seeds of a trial; its objectives are means over them
    rows: tuple[str, ...]  # labels of the rows that are searched
    objectives: tuple[str, ...]  # the accuracy, which is maximised, and perhaps a cost, which is minimised


def tuned_label(row: str) -> str:
    """Return the label of a row's tuned twin, under which the runs of its winner are reported.

    Example:
        >>> tuned_label("LIF")
        'LIF-tuned'
    """
    return f"{row}{SUFFIX}"


def is_tuned(label: str) -> bool:
    """Whether a label may be that of a tuned row.

    Example:
        >>> is_tuned("LIF-tuned"), is_tuned("LIF")
        (True, False)
    """
    return label.endswith(SUFFIX)


def tune(value: object, live: Sequence[str], file: str) -> Tune:
    """Check the key `tune` of a sweep file.

    Args:
        value: what the file says.
        live: the labels of the sweep's rows that can be launched.
        file: name of the file, for error messages.

    Raises:
        ValueError: a key is missing or unknown, or a value is out of range.

    Example:
        >>> found = tune({"keys": {"optimizer.lr": "interval(0.001, 0.1)"}, "trials": 4, "epochs": 0.5}, ["A", "B"], "x.yaml")
        >>> found.rows, found.seeds, found.objectives
        (('A', 'B'), 1, ('val/acc',))
    """
    if not isinstance(value, Mapping) or set(value) - KEYS:
        given = sorted(map(str, value)) if isinstance(value, Mapping) else value
        raise ValueError(f"{file}: keys of tune must be among {sorted(KEYS)}; got {given}")
    if missing := [key for key in REQUIRED if key not in value]:
        raise ValueError(f"{file}: tune must name {missing}")
    for key in ("trials", "seeds"):
        if type(count := value.get(key, 1)) is not int or count < 1:
            raise ValueError(f"{file}: {key} of tune must be an integer > 0; got {count}")
    if type(share := value["epochs"]) not in (int, float) or not 0 < share <= 1:
        raise ValueError(f"{file}: epochs of tune must be a share of the row's epochs, in (0, 1]; got {share}")
    return Tune(
        keys=_keys(value["keys"], file), trials=value["trials"], epochs=float(share), seeds=value.get("seeds", 1),
        rows=_rows(value.get("rows"), live, file), objectives=_objectives(value.get("objectives"), file),
    )  # fmt: skip


def _keys(value: object, file: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"{file}: keys of tune must be a mapping from keys to what is searched; got {value}")
    check_keys(map(str, value), f"{file}: keys of tune")
    for key, space in value.items():
        if key in RESERVED:
            raise ValueError(f"{file}: keys of tune must not contain {key}, which a search sets itself; got {key}: {space}")
        if not isinstance(space, str) or not SPACE.fullmatch(space):
            raise ValueError(f"{file}: {key} of tune must be a range or a choice, such as interval(0.001, 0.1); got {space}")
    return dict(value)


def _rows(value: object, live: Sequence[str], file: str) -> tuple[str, ...]:
    labels = live if value is None else value
    if not isinstance(labels, Sequence) or isinstance(labels, str) or not labels:
        raise ValueError(f"{file}: rows of tune must be a list of rows of the sweep; got {value if live else 'no row'}")
    for label in labels:
        if label not in live:
            raise ValueError(f"{file}: rows of tune must be among {', '.join(live)}; got {label}{nearest(str(label), live)}")
    return tuple(labels)


def _objectives(value: object, file: str) -> tuple[str, ...]:
    found = [ACCURACY] if value is None else value
    named = isinstance(found, list) and all(isinstance(key, str) and key.startswith("val/") for key in found)
    if not named or len(found) not in (1, 2) or found[0] != ACCURACY or found[1:] == [ACCURACY]:
        raise ValueError(f"{file}: objectives of tune must be [{ACCURACY}], or that and a cost such as val/loss; got {value}")
    return tuple(found)

"""A row of a sweep file: one variant, its overrides, and the paper's number for it."""

import re
from dataclasses import dataclass, replace

from snnx.options.files import is_group
from snnx.options.nearest import nearest
from snnx.options.received import check_keys
from snnx.options.tune import tuned_label

LARGEST = 1e300
"""A reported number must be smaller than this, so that the difference of two of them is a float, too."""
KEYS = {"set", "reported", "std", "n", "test_samples", "source", "cited", "note"}
LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # must begin with a letter: YAML reads a bare 4 as a number


@dataclass(frozen=True)
class Row:
    """One variant: the overrides that make it, and the paper's number for it."""

    label: str
    overrides: tuple[str, ...] | None  # None for a number that the paper cites from others; it is shown but never run
    reported: dict[str, float]  # by metric, the number as printed in the paper, in the sweep's unit
    source: str | None  # where in the paper the number is, and how it was read
    cited: str | None  # who reported the number, if not the paper itself
    std: float | None  # the standard deviation over seeds of that number, in the same unit, if the paper gives one
    n: int | None  # number of seeds over which the paper's number is averaged
    test_samples: int | None  # the size of the test set of a cited accuracy
    note: str | None  # other differences from the rows that it is compared with, besides its overrides
    tuned_from: str | None = None  # label of the row whose search chose this row's settings; None for a row of the file itself

    def tuned(self) -> "Row":
        """Return the row's tuned twin, whose runs have the settings that a search chose.

        Notes and reported numbers stay with the original row.
        """
        nothing = dict.fromkeys(("source", "cited", "std", "n", "test_samples", "note"))
        return replace(self, label=tuned_label(self.label), tuned_from=self.label, reported={}, **nothing)


def row_of(label: object, row: object, metric: str, file: str) -> Row:
    """Check a row of a sweep file.

    Args:
        label: its label.
        row: the row as the file has it.
        metric: the metric of a reported number that names none.
        file: name of the file, for error messages.

    Raises:
        ValueError: a key is unknown or missing, or a value is wrong.
    """
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        raise ValueError(f"{file}: a row's label must match {LABEL.pattern}; got {label!r}")
    known = sorted(KEYS)
    if not isinstance(row, dict):
        raise ValueError(f"{file}: row {label}: must be a mapping with keys among {', '.join(known)}; got {row}")
    if unknown := next((key for key in row if key not in KEYS), None):
        hint = nearest(str(unknown), known)
        raise ValueError(f"{file}: row {label}: keys must be among {', '.join(known)}; got {unknown}{hint}")
    if ("set" in row) == ("cited" in row):
        raise ValueError(f"{file}: row {label}: must have either set (a run) or cited (another author's number)")
    overrides = row.get("set", [])
    if not isinstance(overrides, list) or not all(isinstance(o, str) and "=" in o for o in overrides):
        raise ValueError(f"{file}: row {label}: set must be a list of key=value; got {overrides}{_as_list(overrides)}")
    check_keys((override.partition("=")[0] for override in overrides), f"{file}: row {label}")
    if found := next((override for override in overrides if re.match(r"[\s+~]*defaults\b", override)), None):
        raise ValueError(f"{file}: row {label}: set must choose an option as group=name, and not by defaults; got {found}")
    if found := next((override for override in overrides if re.match(r"[\s+~]*budget\b", override)), None):
        raise ValueError(
            f"{file}: row {label}: set must not change budget, which the scale of all rows sets; got {found}: write it in the "
            "command, or change the row's own keys, such as trainer.max_epochs"
        )
    for override in overrides:
        group, _, option = override.lstrip("+~ ").partition("=")
        if is_group(group) and re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?|true|false", option.strip(), re.IGNORECASE):
            raise ValueError(f"{file}: row {label}: {group} must be the name of an option; got {option}")
    reported = row.get("reported")
    reported = {} if reported is None else reported if isinstance(reported, dict) else {metric: reported}
    if not all(isinstance(name, str) and is_number(value) for name, value in reported.items()):
        raise ValueError(
            f"{file}: row {label}: reported must be a finite number, or one number per metric; got {row['reported']}"
        )
    std = row.get("std")
    if std is not None and not (is_number(std) and std >= 0):
        raise ValueError(f"{file}: row {label}: std must be a finite number >= 0; got {std}")
    for key in ("n", "test_samples"):
        if row.get(key) is not None and not (type(row[key]) is int and row[key] > 0):
            raise ValueError(f"{file}: row {label}: {key} must be an integer > 0; got {row[key]}")
    for key in ("source", "cited", "note"):
        if not isinstance(row.get(key), str | None):
            raise ValueError(f"{file}: row {label}: {key} must be a text; got {row[key]}")
    return Row(
        label=label, overrides=tuple(overrides) if "set" in row else None, reported=reported,
        std=std, n=row.get("n"), test_samples=row.get("test_samples"),
        source=row.get("source"), cited=row.get("cited"), note=row.get("note"),
    )  # fmt: skip


def is_number(value: object) -> bool:
    """Return whether a value is a finite number.

    Example:
        >>> [is_number(value) for value in (1, 0.5, True, "1", float("inf"), 10**400)]
        [True, True, False, False, False, False]
    """
    return type(value) in (int, float) and abs(value) < LARGEST


def _as_list(settings: object) -> str:
    """Return the advice how to write settings as a list, for a mapping such as `{norm: tdbn}` or a single text `norm=tdbn`."""
    if isinstance(settings, str) and "=" in settings:
        return f": write [{settings}]"
    if not isinstance(settings, dict) or not all(isinstance(value, str | int | float | None) for value in settings.values()):
        return ""
    as_written = {None: "null", True: "true", False: "false"}
    words = [f"{key}={as_written[v] if v is None or isinstance(v, bool) else v}" for key, v in settings.items()]
    return f": write [{', '.join(words)}]" if words else ""

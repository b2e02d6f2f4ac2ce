"""Checks the entries of a result that was read from a file: those it must have, and the type of each."""

import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

STATUSES = ("done", "failed", "diverged", "no data", "pruned")


@dataclass(frozen=True, eq=False, repr=False)
class Entries:
    """Describes a mapping: which entries it has, and the type of each; other entries are ignored."""

    kinds: Mapping[str, object]
    always: tuple[str, ...] = ()  # entries that must not be missing
    null: bool = False  # whether the value may also be null

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{key}: {_name(kind)}' for key, kind in self.kinds.items())}}}{' | None' if self.null else ''}"


PROJECT = Entries({"commit": str, "dirty": bool}, null=True)
COMMIT = Entries({"commit": str, "dirty": bool, "project": PROJECT}, null=True)
DATA = Entries(
    {
        "name": str, "variant": str | None, "train": int | None, "val": int | None, "test": int | None, "chance": float | None,
        "split": str | None, "content": str | None, "skipped": dict[str, int],
    },
    null=True,
)  # fmt: skip
ANSWER = Entries(
    {"samples": int, "identity": str, "correct": dict[str, str], "clusters": list[int]}, ("samples", "identity", "correct")
)
FINDING = Entries({"check": str, "outcome": str, "text": str}, ("check", "outcome", "text"))
TRIAL = Entries({"values": dict[str, object], "objectives": dict[str, float | None]}, ("values", "objectives"))
TUNED = Entries(
    {
        "trials": int, "pruned": int, "failed": int, "epochs": int, "seeds": int, "values": dict[str, object],
        "val/acc": float | None, "at_edge": dict[str, str], "front": list[TRIAL],
    },
    ("trials", "pruned", "failed", "epochs", "seeds", "values", "val/acc"),
    null=True,
)  # fmt: skip
FORM: dict[str, object] = {
    "status": str,
    "hash": str,
    "group": str,
    "sweep": str | None,
    "row": str,
    "seed": int,
    "scale": str,
    "further": str,
    "started": str,
    "command": str,
    "overrides": list[str],
    "budget": dict[str, float],
    "git": COMMIT,
    "versions": dict[str, str],
    "physics": Entries({"dataset": dict[str, object] | None}),
    "metrics": dict[str, float | None],
    "curves": dict[str, list[float | None]] | None,
    "layers": dict[str, dict[str, dict[str, list[float | None]]]],
    "samples": dict[str, int | None] | None,
    "answers": dict[str, ANSWER],
    "data": DATA,
    "parameters": int | None,
    "paths": dict[str, object],
    "built": dict[str, dict[str, object]],
    "exact": list[str],
    "formulas": dict[str, str],
    "first_losses": list[float | None],
    "warnings": list[str],
    "resumed": list[int],
    "trained_by": str,
    "device": str,
    "wall_s": float,
    "before_s": float,
    "fit_s": float,
    "peak_memory_mb": float,
    "gpu_peak_memory_mb": float,
    "error": dict[str, str] | None,
    "code": str,
    "confirmed": Entries({"by": str, "code": str, "git": COMMIT}, ("by",)),
    "weights": str,
    "audit": Entries({"findings": list[FINDING]}, ("findings",)),
    "tuned": TUNED,
}
"""The types of a result's entries. Older results lack some, and other entries are ignored."""
UNEVEN = ("spike_raster",)
"""Curves whose layers may have different numbers of values: this one has a value per neuron, all others a value per step."""
IDENTITY = re.compile(r"[0-9a-f]{16}")
"""The form of a run's identity. It names a folder, so any other text could lead out of the outputs."""
ALWAYS = ("status", "hash", "row", "seed", "scale", "started")
IF_DONE = ("group", "metrics", "curves", "layers")


def wrong_form(result: object, run: str | None = None) -> str | None:
    """Say what is wrong with a result that was read from a file; `None` if it has the form of one.

    Args:
        result: the parsed file.
        run: identity of the run that the result must belong to; `None` accepts any.

    Example:
        >>> wrong_form([1])
        'a result must be a mapping; got list'
        >>> line = {"status": "done", "hash": "ab" * 8, "row": "A", "seed": 0, "scale": "small", "started": "2026-01-01"}
        >>> wrong_form(line)
        'a done result must have group, metrics, curves, layers; got one without group, metrics, curves, layers'
        >>> done = line | {"group": "cd", "metrics": {"test/acc": "0.9"}, "curves": {}, "layers": {}}
        >>> wrong_form(done)
        "metrics must be of type dict[str, float | None]; got {'test/acc': '0.9'}"
        >>> wrong_form(done | {"metrics": {"test/acc": 0.9}}, run="cd" * 8)
        'the result must be that of run cdcdcdcdcdcdcdcd; got that of run abababababababab'
        >>> wrong_form(line | {"hash": "../../home"})
        'hash must be 16 digits from 0 to f, as snnx names a run; got ../../home'
    """
    if not isinstance(result, dict):
        return f"a result must be a mapping; got {type(result).__name__}"
    checks = _checks()
    for key, value in result.items():
        if key in checks and not checks[key](value):
            return f"{key} must be of type {_name(FORM[key])}; got {str(value)[:60]}"
    if missing := [key for key in ALWAYS if key not in result]:
        return f"a result must have {', '.join(ALWAYS)}; got one without {', '.join(missing)}"
    if not IDENTITY.fullmatch(result["hash"]):
        return f"hash must be 16 digits from 0 to f, as snnx names a run; got {result['hash'][:60]}"
    if result["status"] not in STATUSES:
        return f"status must be one of {', '.join(STATUSES)}; got {result['status']}"
    if result["status"] == "done" and (missing := [key for key in IF_DONE if key not in result]):
        return f"a done result must have {', '.join(IF_DONE)}; got one without {', '.join(missing)}"
    if uneven := _uneven(result.get("layers", {})):
        return f"layers must have as many values in each layer of a curve; got {uneven}"
    if wrong := _wrong_answers(result.get("answers", {})):
        return wrong
    if run is not None and result["hash"] != run:
        return f"the result must be that of run {run}; got that of run {result['hash']}"
    return None


def _uneven(layers: dict) -> str | None:
    """Return the numbers of values of the first curve whose layers have different ones, with its name."""
    for curve, kinds in layers.items():
        for kind, table in kinds.items() if curve not in UNEVEN else ():
            if len(counts := {len(values) for values in table.values()}) > 1:
                return f"{' and '.join(map(str, sorted(counts)))} in {curve} of {kind}"
    return None


def _wrong_answers(answers: dict) -> str | None:
    """Say what is wrong with the record of which samples were correct: their number, or that of their clusters.

    The bits of `correct` are in base 64, four characters for three bytes.
    """
    for part, answer in answers.items():
        samples, clusters = answer["samples"], answer.get("clusters")
        length = 4 * -(-samples // 24)
        if samples < 1 or any(len(text) != length for text in answer["correct"].values()):
            return f"answers.{part} must have a bit for each sample; got other bits for {samples} samples"
        if clusters is not None and not (len(clusters) == samples and min(clusters) >= 0 and max(clusters) < samples):
            return f"answers.{part}.clusters must have a number from 0 to {samples - 1} for each of the {samples} samples"
    return None


def _name(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)


@cache
def _checks() -> dict[str, Callable[[object], bool]]:
    """Return a checking function for each entry of `FORM`; they are made once, since making one takes as long as checking."""
    return {key: _check(kind) for key, kind in FORM.items()}


@cache
def _check(kind: object) -> Callable[[object], bool]:
    """Return a function that says whether a value is of this type; made once, because results have hundreds of values."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is object:
        return lambda value: True
    if isinstance(kind, Entries):
        checks = [(key, _check(of)) for key, of in kind.kinds.items()]

        def check(value: object) -> bool:
            if type(value) is not dict:
                return value is None and kind.null
            known = all(fits(value[key]) for key, fits in checks if key in value)
            return known and all(key in value for key in kind.always)

        return check
    if origin in (dict, list):
        items = dict.values if origin is dict else iter
        if (classes := _classes(inner[-1])) is not None:
            return lambda value: type(value) is origin and classes.issuperset(map(type, items(value)))
        item = _check(inner[-1])
        return lambda value: type(value) is origin and all(map(item, items(value)))
    if (classes := _classes(kind)) is not None:
        return lambda value: type(value) in classes
    check = _check(inner[0])  # of `X | None`, where X is a dict or a list
    return lambda value: value is None or check(value)


def _classes(kind: object) -> set[type] | None:
    """Return the classes of the values of this type; `None` if the class of a value does not decide whether it fits."""
    kinds = typing.get_args(kind) or (kind,)
    if (
        kind is object
        or isinstance(kind, Entries)
        or typing.get_origin(kind) in (dict, list)
        or any(typing.get_origin(one) for one in kinds)
    ):
        return None
    return {*kinds, int} if float in kinds else set(kinds)  # exact classes, so that `true` does not count as a number

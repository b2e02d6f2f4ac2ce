"""Holds the outcome of one check of an audit."""

from dataclasses import dataclass

PASSED, FAILED, MEASURED, NOT_APPLICABLE = "passed", "failed", "measured", "not applicable"
"""The outcomes of a check; `measured` means that the check reports a number that is neither right nor wrong."""


@dataclass(frozen=True)
class Finding:
    """What a check found: its outcome, and one sentence that says why, with the numbers."""

    outcome: str  # one of PASSED, FAILED, MEASURED and NOT_APPLICABLE
    text: str


def plural(number: int, noun: str) -> str:
    """Write a number with its noun, in the singular or plural.

    Example:
        >>> plural(1, "layer"), plural(2, "layer")
        ('1 layer', '2 layers')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"

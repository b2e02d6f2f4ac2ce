"""Names the neurons of a sweep that are trained step by step, because no fused kernel computes them."""

import re
from collections.abc import Mapping

REASON = re.compile(r"definition \((.*)\)", re.DOTALL)
"""How a result's `paths` name such neurons: `definition (Noisy: it draws random numbers (rand_like))`."""


class Unfused:
    """Names each reason once, after the first run that has it, since such a run takes several times as long.

    Example:
        >>> outcome = {"status": "done", "paths": {"train": {"numba": 2, "definition (Noisy: it draws random numbers)": 1}}}
        >>> unfused = Unfused()
        >>> unfused.warnings("LIF_Noisy", outcome)
        ['LIF_Noisy trains neurons step by step, without a fused kernel (Noisy: it draws random numbers)']
        >>> unfused.warnings("PLIF_Noisy", outcome)
        []
    """

    def __init__(self) -> None:
        self._named: set[str] = set()

    def warnings(self, row: str, outcome: Mapping) -> list[str]:
        """Return one line for each reason that is not named yet.

        Args:
            row: the label of the run's row.
            outcome: its result; a result from before the sweep adds no line.
        """
        paths = outcome.get("paths")
        train = paths.get("train") if isinstance(paths, Mapping) and not outcome.get("before") else None
        found = [match[1] for path in train or () if (match := REASON.fullmatch(path))]
        new = [reason for reason in found if reason not in self._named]
        self._named |= set(new)
        return [f"{row} trains neurons step by step, without a fused kernel ({reason})" for reason in new]

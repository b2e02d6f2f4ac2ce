"""One run of a sweep, as reports see it: under the name that the sweep gives it, with its state and its result."""

from dataclasses import dataclass, field

TERMINAL = ("done", "failed", "diverged", "no data")  # the statuses that result.json can have
PRUNED = "pruned"  # the status of a trial that its search has stopped early
DAMAGED = "damaged"  # the result cannot be used; the next start of the sweep computes the run again
STATES = (*TERMINAL, "running", "unfinished", DAMAGED)  # a run without result.json is running if a process holds its lock


@dataclass(frozen=True)
class Run:
    """One run of a sweep, under the row, seed and scale that this sweep names it by."""

    row: str
    seed: int
    scale: str
    further: str  # overrides other than row, seed and scale, as they are written in the link's name
    hash: str
    state: str  # one of STATES
    result: dict  # contents of result.json, with the run's audit under `audit`; empty until the run has ended
    local: bool  # True if read from this machine's outputs, False if read from the record
    progress: dict = field(default_factory=dict)  # contents of a running run's progress.json; empty until its first step
    folder: str | None = None  # where it was read from; None if it was read from the record

    @property
    def group(self) -> str | None:
        """The hash without the seed: runs with the same group differ in nothing but the seed."""
        return self.result.get("group")

    @property
    def cause(self) -> str:
        """The first line of the error message, or the type of the error."""
        error = self.result.get("error") or {}
        return (error.get("message", "").strip().splitlines() or [error.get("type", "")])[0]

    @property
    def title(self) -> str:
        """Row, overrides, seed and scale: `PLIF, seed 0, small`."""
        row = f"{self.row} {self.further}".strip()
        return f"{row}, seed {self.seed}, {self.scale}"

    @property
    def reason(self) -> str:
        """Type and message of the run's error, in one line."""
        error = self.result.get("error") or {}
        message = " ".join(str(error.get("message", "")).split())
        if error.get("type") in ("NoData", "Diverged", "Damaged"):  # the run's state already says the type
            return message
        return f"{error.get('type', 'no reason recorded')}: {message}" if message else error.get("type", "no reason recorded")

    @property
    def terminal(self) -> bool:
        """Whether the run has ended and has a result, whatever its status."""
        return self.state in TERMINAL

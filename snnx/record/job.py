"""One run as plain data: everything a process needs to do it, and nothing of Hydra."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from snnx.record.write import write

SINGLE = "single"
"""What runs that belong to no sweep file are called, and their folder below the outputs."""


@dataclass(frozen=True)
class Job:
    """What to compute and where it goes; picklable, so that any launcher can carry it to another process."""

    id: str  # hash of what is computed, the name of its folder
    group: str  # the same without the seed
    name: str  # of the readable link: row, seed, further overrides
    sweep: str | None
    row: str
    seed: int
    scale: str
    overrides: list[str]
    command: str
    git: dict | None  # the source's commit when the run was composed
    outputs: str
    config: dict  # resolved, plain

    @property
    def folder(self) -> Path:
        """Where everything about the run lies."""
        return Path(self.outputs) / "runs" / self.id

    @property
    def link(self) -> Path:
        """The readable name of the folder."""
        return Path(self.outputs) / (self.sweep or SINGLE) / self.name

    @property
    def title(self) -> str:
        """For progress bars and error messages."""
        return f"{self.row} seed={self.seed}"

    def save(self, folder: Path) -> Path:
        """Write the run to a file of `folder` that is named by its content, so that no other run ever replaces it."""
        text = json.dumps(asdict(self))
        return write(folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json", text)

    @classmethod
    def load(cls, path: Path) -> "Job":
        """The run that `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

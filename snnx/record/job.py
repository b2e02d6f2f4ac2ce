"""One run as plain data: everything that a process needs to execute it, without Hydra."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from snnx.record.write import write

SINGLE = "single"
"""The sweep name of runs that belong to no sweep file, and the name of their folder below the outputs."""


@dataclass(frozen=True)
class Job:
    """What to compute and where to write it; it can be pickled, so that any launcher can send it to another process."""

    id: str  # identity of the run (`run_id`), which is also the name of its folder
    group: str  # the identity without the seed: runs that differ in the seed only share it
    name: str  # name of the readable link: row, seed, further overrides
    sweep: str | None
    row: str
    seed: int
    scale: str
    overrides: list[str]
    command: str
    git: dict | None  # commit of the source when the run was composed
    outputs: str
    config: dict  # the resolved configuration as plain dicts
    code: dict[str, str] = field(default_factory=dict)  # digests of its modules when its sweep began; empty without a sweep

    @property
    def folder(self) -> Path:
        """The folder that holds all files of the run."""
        return Path(self.outputs) / "runs" / self.id

    @property
    def link(self) -> Path:
        """The symbolic link with a readable name that points to the folder."""
        return Path(self.outputs) / (self.sweep or SINGLE) / self.name

    @property
    def title(self) -> str:
        """The name of the run in progress bars and error messages."""
        return f"{self.row} seed={self.seed}"

    def save(self, folder: Path) -> Path:
        """Write the job to a file in `folder` that is named by a hash of its content, so that no other job overwrites it."""
        text = json.dumps(asdict(self))
        return write(folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json", text)

    @classmethod
    def load(cls, path: Path) -> "Job":
        """Read a job that `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

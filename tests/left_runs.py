"""Fixtures that write folders of runs as `snnx` does, so that reports are tested without training."""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from snnx.options.sweepfile import SweepFile, read


def digest(*words: object) -> str:
    return sha256(" ".join(map(str, words)).encode()).hexdigest()[:16]


def identity(name: str) -> str:
    """The identity of a run that a test calls by a short name."""
    return name if re.fullmatch(r"[0-9a-f]{16}", name) else digest(name)


def result(row: str, seed: int, value: float | None, **changes: object) -> dict:
    """The contents of a done run's result.json, with the given entries changed."""
    scale = changes.get("scale", "small")
    facts = {
        "status": "done", "hash": digest(row, seed, scale), "group": digest(row, scale), "sweep": "fig", "row": row,
        "seed": seed, "scale": scale, "budget": {"epochs": 0.33, "samples": 0.1, "width": 0.5},
        "metrics": {"val/acc": value, "val/acc_best": value, "test/acc": value, "test/acc_best": value},
        "curves": {"val/acc": [0.5, value], "train/loss": [2.1, 1.0]}, "layers": {}, "samples": None,
        "data": {"name": "fashion_mnist", "train": 54000, "val": 6000, "test": 10000}, "parameters": 556682,
        "git": {"commit": "abc", "dirty": False}, "versions": {"torch": "2.14.1"}, "device": "cpu, 2 threads",
        "wall_s": 61.2, "started": "2026-11-22T11:00:00", "command": "snnx -m sweep=fig scale=small", "error": None,
    }  # fmt: skip
    facts |= changes
    return facts | {"hash": identity(facts["hash"])}


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return tmp_path / "docs" / "results"


@pytest.fixture
def leave(outputs: Path) -> Callable:
    """A function that writes a run's folder and its link; with `facts=None` the run has no result yet."""

    def leave(sweep: str, link: str, facts: dict | None, hash: str | None = None) -> Path:
        name = identity(hash or facts["hash"])
        folder = outputs / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        if facts is not None:
            (folder / "result.json").write_text(json.dumps(facts))
        (outputs / sweep).mkdir(exist_ok=True)
        (outputs / sweep / link).symlink_to(Path("..") / "runs" / name)
        return folder

    return leave


@pytest.fixture
def done() -> Callable:
    return result


@pytest.fixture
def sweep(tmp_path: Path) -> SweepFile:
    """A sweep with two rows, one of which has the paper's number in per cent, and a row cited from another author."""
    path = tmp_path / "fig.yaml"
    path.write_text(
        "# A paper, Table 1: accuracy.\n#   snnx -m sweep=fig scale=small\n"
        "sweep:\n  paper: dtst\n  artifact: Table 1\n  metric: val/acc\n  unit: '%'\n  claims: [A > B, B > C]\n"
        "rows:\n"
        "  A: {set: [neuron=plif], reported: 91.5, source: read off Figure 10}\n"
        "  B: {set: [neuron=lif]}\n"
        "  C: {cited: Meng 2022, reported: 70.25, source: its Table 2}\n"
    )
    return read(path)

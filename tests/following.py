"""Follows a guide as a reader would: writes the files that it shows and runs its commands, in their order."""

import re
import shlex
import subprocess
from pathlib import Path

import warm

ROOT = Path(__file__).parents[1]
STEP = re.compile(r"(?:`([\w/]+\.(?:py|yaml))`:\n\n)?```(python|yaml|sh)\n(.*?)```", re.DOTALL)
REFUSED = "# refused"
"""Marks a command in a guide that is supposed to fail."""


def text_of(guide: str) -> str:
    return (ROOT / "docs" / "guides" / f"{guide}.md").read_text(encoding="utf-8")


def follow(guide: str, folder: Path, package: Path = ROOT) -> Path:
    """Follow the guide from `folder`, with the snnx of `package`, and return the folder that its last command ran in.

    A block after a path in backquotes is written to that file, and a block of commands is run line by line; others are ignored.
    """
    steps = STEP.findall(text_of(guide))
    assert steps
    for path, kind, text in steps:
        if path:
            assert (folder / path).parent.is_dir(), f"the guide must say how the folder of {path} is made"
            (folder / path).write_text(text)
        for line in text.replace("\\\n", " ").splitlines() if kind == "sh" else ():
            if line.startswith("cd "):
                folder = folder / shlex.split(line)[1]
                continue
            done = run(line, folder, package)
            assert (done.returncode != 0) == (REFUSED in line), f"{line}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
    return folder


def run(line: str, folder: Path, package: Path = ROOT) -> subprocess.CompletedProcess:
    """Run one command line of a guide: `snnx ...`, `python ...`, `mkdir ...` or `rm ...`."""
    program, *words = shlex.split(line, comments=True)
    if program in ("mkdir", "rm"):
        return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True)
    words = {"snnx": ["-m", "snnx", *words], "python": words}[program]
    return warm.python(words, folder, package, SNNX_DATA=str(folder / "data"))

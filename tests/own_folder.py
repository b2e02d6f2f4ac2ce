"""Writes a minimal folder of a user: a package with a neuron, its option, and a sweep."""

from pathlib import Path

from command_lines import snnx

NEURON = '''\
from snnx.neuron.lif import LIF


class Mine(LIF):
    """A neuron that is not part of snnx."""
'''
OPTION = "_target_: ownlab.mine.Mine\n_partial_: true\ntau: 2.0\n"
SWEEP = """\
# Mine against LIF.
sweep: {paper: own, artifact: Table 1, metric: test/acc, claims: [Mine ~ LIF within 0.5]}
rows:
  LIF: {set: [neuron=lif]}
  Mine: {set: [neuron=mine], reported: 0.5}
"""


def write(folder: Path, path: str, text: str) -> Path:
    """Write a file below `folder` and create the folders that it needs."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def own_folder(folder: Path) -> Path:
    """Write the user's files into `folder`, and return it."""
    write(folder, "pyproject.toml", '[tool.snnx]\ncomponents = ["ownlab"]\n')
    write(folder, "ownlab/mine.py", NEURON)
    write(folder, "conf/neuron/mine.yaml", OPTION)
    write(folder, "sweeps/my_table.yaml", SWEEP)
    return folder


def installed(site: Path, package: str = "otherlab", name: str = "otherlab") -> Path:
    """Write a package into `site` as pip would install it, with options inside the package and an entry point for them."""
    write(site, f"{package}/other.py", NEURON.replace("Mine", "Other"))
    write(site, f"{package}/conf/neuron/other.yaml", OPTION.replace("ownlab.mine.Mine", f"{package}.other.Other"))
    sweep = SWEEP.replace("Mine", "Other").replace("neuron=mine", "neuron=other")
    write(site, f"{package}/sweeps/{package.removesuffix('lab')}_table.yaml", sweep)
    write(site, f"{package}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    write(site, f"{package}-1.0.dist-info/entry_points.txt", f"[snnx.options]\n{package} = {package}\n")
    return site


def refusal(folder: Path, *words: str) -> str:
    """Run a command that must fail before it does anything, and return its one line of error."""
    done = snnx(folder, *words)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (folder / "outputs" / "runs").exists()
    return done.stderr

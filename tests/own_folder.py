"""A folder of one's own, as small as can be: a package with a neuron, its option, and a sweep."""

from pathlib import Path

NEURON = '''\
from snnx.neuron.lif import LIF


class Mine(LIF):
    """A neuron that snnx does not know."""
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
    """A file below `folder`, with the folders that it needs."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def own_folder(folder: Path) -> Path:
    """Write it into `folder`."""
    write(folder, "pyproject.toml", '[tool.snnx]\ncomponents = ["ownlab"]\n')
    write(folder, "ownlab/mine.py", NEURON)
    write(folder, "conf/neuron/mine.yaml", OPTION)
    write(folder, "sweeps/my_table.yaml", SWEEP)
    return folder


def installed(site: Path) -> Path:
    """A package as pip leaves it in `site`: its options inside it, and an entry point that says so."""
    write(site, "otherlab/other.py", NEURON.replace("Mine", "Other"))
    write(site, "otherlab/conf/neuron/other.yaml", OPTION.replace("ownlab.mine.Mine", "otherlab.other.Other"))
    write(site, "otherlab/sweeps/other_table.yaml", SWEEP.replace("Mine", "Other").replace("neuron=mine", "neuron=other"))
    write(site, "otherlab-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: otherlab\nVersion: 1.0\n")
    write(site, "otherlab-1.0.dist-info/entry_points.txt", "[snnx.options]\notherlab = otherlab\n")
    return site

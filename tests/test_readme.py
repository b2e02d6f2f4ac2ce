"""The commands, code and links in the README work."""

import re
import shlex
import subprocess
import sys
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest
import torch
import yaml
from composing import composed
from hydra.utils import instantiate

from snnx.command import main
from snnx.options import sweepfile
from snnx.run.build import build_method

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
LINES = [line.split("#")[0].strip() for kind, body in BLOCKS if kind == "sh" for line in body.splitlines() if line.strip()]
INLINE = re.findall(r"`(snnx [^`]*)`", TEXT)


def block(kind: str) -> str:
    (body,) = [body for found, body in BLOCKS if found == kind]
    return body


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for line in LINES if line.startswith("make ")}
    assert named == {"demo", "test"}
    assert named <= targets
    help_text = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target}" in help_text for target in named | {"install", "lint", "sweep", "report", "bench", "results"})


@pytest.mark.parametrize("line", [line for line in [*LINES, *INLINE] if line.startswith("snnx") and "halved" not in line])
def test_commands_compose(line):
    words = [word for word in shlex.split(line)[1:] if word not in ("-m", "plan", "NAME", "--record")]
    if words[:1] == ["--help"]:
        return
    if words[:1] == ["show"]:
        words = words[1:]
    if words and words[0] in main.COMMANDS:
        assert set(words[1:]) <= {*sweepfile.names(), sweepfile.SINGLE, "fashion_mnist", "--root", "data"}
        return
    axes = [[f"{word.split('=', 1)[0]}={value}" for value in word.split("=", 1)[1].split(",")] for word in words]
    for overrides in product(*axes):
        composed(*overrides)


def test_the_neuron_in_the_readme_works(monkeypatch):
    module = ModuleType("snnx.neuron.halved")
    exec(block("python"), module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    config = composed("neuron=lif").config
    node = yaml.safe_load(block("yaml")) | {"surrogate": config["surrogate"]}
    halved, lif = instantiate(node)(), instantiate(config["neuron"])(tau=2.0)
    x = torch.rand(6, 3) * 4
    assert torch.equal(halved(2 * x), lif(x))
    config["method"]["neuron"] = node

    class Facts:
        shape, classes = (1, 8, 8), 10

    assert build_method(config, Facts())(torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_linked_files_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target

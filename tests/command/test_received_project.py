"""A project's folder that somebody else has made runs nothing, writes nothing outside, and stops no other row."""

import os
import subprocess
import sys

import pytest
from command_lines import ROOT
from own_folder import refusal

from snnx.options.own_components import make_importable
from snnx.options.settings_of_libraries import READ


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("words", [["status"], ["report", "single"], ["neuron=lif"]], ids=" ".join)
def test_settings_that_a_library_would_read_are_refused(name, words, empty):
    (empty / name).write_text("cache_dir: evil\n")
    assert refusal(empty, *words).startswith(
        f"snnx: {empty / name} must not be in the folder of a project, because {READ[name]} would read it; "
    )
    assert os.listdir(empty) == [name]


def test_only_the_listed_components_of_a_folder_can_be_imported(empty):
    """The process has the folder's component, and not the module beside it, whose name is that of a library."""
    (empty / "pyproject.toml").write_text('[tool.snnx]\ncomponents = ["mine"]\n')
    (empty / "mine").mkdir()
    (empty / "mine" / "__init__.py").write_text("from mine.part import VALUE\n")
    (empty / "mine" / "part.py").write_text("VALUE = 3\n")
    for false in ("joblib.py", "beside.py"):
        (empty / false).write_text("raise SystemExit('the false module was imported')\n")
    code = (
        "from importlib.util import find_spec; from pathlib import Path;"
        "from snnx.options.own_components import make_importable;"
        "make_importable(Path.cwd()); import mine, joblib; print(mine.VALUE, find_spec('beside'))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=empty, capture_output=True, text=True)
    assert done.stdout == "3 None\n", done.stderr


def test_a_folder_is_asked_once_for_its_components(empty):
    (empty / "pyproject.toml").write_text('[tool.snnx]\ncomponents = ["mine"]\n')
    (empty / "mine").mkdir()
    before = list(sys.meta_path)
    try:
        make_importable(empty)
        make_importable(empty)
        assert len(sys.meta_path) == len(before) + 1
    finally:
        sys.meta_path[:] = before


@pytest.mark.parametrize("place", [".sweep", ".sweep/multirun.yaml"])
def test_a_sweep_writes_through_no_link(place, empty):
    victim = empty / "victim"
    victim.write_text("mine") if "." in place[1:] else victim.mkdir()
    link = empty / "outputs" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(victim)
    err = refusal(empty, "-m", "seed=0,1", "scale=smoke")
    assert str(link.relative_to(empty)) in err
    assert "link to" in err
    assert victim.read_text() == "mine" if victim.is_file() else not os.listdir(victim)


@pytest.mark.parametrize("text", ["59:59:59", "1:" * 50_000 + "1", "9" * 5_000])
def test_a_number_that_takes_long_to_read_is_refused(text, empty):
    (empty / "conf" / "neuron").mkdir(parents=True)
    (empty / "conf" / "neuron" / "zz.yaml").write_text(f"_target_: snnx.neuron.lif.LIF\ntau: {text}\n")
    err = refusal(empty, "neuron=zz")
    assert "a whole number must be written with digits only, at most 4000; got " in err
    assert len(err) < 500


def test_an_option_prints_no_text_of_its_own(empty):
    (empty / "conf" / "neuron").mkdir(parents=True)
    (empty / "conf" / "neuron" / "zz.yaml").write_text(
        "_target_: snnx.neuron.lif.LIF\ntau: \"${oc.deprecated:seed,'\\e]0;T\\a'}\"\n"
    )
    err = refusal(empty, "neuron=zz")
    assert "oc.deprecated must not be used" in err
    assert "\x1b" not in err

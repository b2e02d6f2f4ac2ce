"""Options of the folder that one stands in and of installed packages, as the command line sees them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_lines import ROOT, snnx
from own_folder import NEURON, OPTION, SWEEP, installed, own_folder, write

from snnx.options.files import files
from snnx.options.places import places


@pytest.fixture(autouse=True)
def no_help_from_python(monkeypatch):
    """`python -m` puts the current folder on the path, and the installed command does not: neither does it here."""
    monkeypatch.setenv("PYTHONSAFEPATH", "1")


@pytest.fixture
def here(tmp_path):
    (tmp_path / "here").mkdir()
    return own_folder(tmp_path / "here")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A package that is installed for every command of the test."""
    folder = installed(tmp_path / "site")
    monkeypatch.setattr("command_lines.ROOT", f"{ROOT}:{folder}")
    return folder


def refusal(folder: Path, *words: str) -> str:
    """The one line by which a command is refused before anything is done."""
    done = snnx(folder, *words)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (folder / "outputs" / "runs").exists()
    return done.stderr


def test_help_lists_what_lies_here(here):
    said = snnx(here, "--help").stdout
    assert "klif, lif, lif_delayed, mine, plif" in said
    assert "  my_table\n      Mine against LIF.\n" in said
    assert said.rstrip().endswith(f"Of these from {here}: neuron=mine, sweep=my_table")


def test_help_loads_neither_torch_nor_hydra(here):
    code = """
import sys
from snnx.command.main import main
sys.argv = ["snnx", "--help"]
main()
print(*{name.partition(".")[0] for name in sys.modules} & {"torch", "hydra", "omegaconf", "numpy", "ownlab"}, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


def test_a_misspelled_name_of_ones_own_is_recognised(here):
    assert "did you mean mine?" in refusal(here, "neuron=mien")
    assert "did you mean my_table?" in refusal(here, "-m", "sweep=my_tabel")
    assert "did you mean my_table?" in refusal(here, "report", "my_tabel")
    assert "neuron: Mine has no argument taau; it takes tau, " in refusal(here, "neuron=mine", "+neuron.taau=3")


def test_in_a_checkout_nothing_is_there_twice(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert len(places()) == 1


@pytest.mark.parametrize("path", ["conf/neuron/lif.yaml", "sweeps/demo_neurons.yaml"])
@pytest.mark.parametrize("words", [["neuron=mine"], ["report", "my_table"], ["--help"]])
def test_a_name_that_snnx_has_is_refused(here, path, words):
    write(here, path, OPTION)
    said = refusal(here, *words)
    group = "sweep" if path.startswith("sweeps") else "neuron"
    name = Path(path).stem
    assert said == f"snnx: {group}={name} must come from one place; got {ROOT / path} and {here / path}: rename one\n"


TOP = r"snnx: .*/conf/config.yaml must lie in the folder of a group, such as .*/conf/recipe; got it on top"
WRONG = {
    "the primary configuration": ("conf/config.yaml", "timesteps: 8\n", TOP),
    "no group": ("conf/nuron/mine.yaml", OPTION, "must lie in the folder of a group of snnx; got nuron; did you mean neuron?"),
    "a folder in a group": ("conf/neuron/a/b.yaml", OPTION, "must lie in the folder of a group of snnx; got neuron/a"),
    "no TOML": ("pyproject.toml", "[tool.snnx\n", "pyproject.toml: must be TOML; "),
    "another key": (
        "pyproject.toml",
        "[tool.snnx]\noptions = 1\n",
        r"\[tool.snnx\] must hold components and nothing else; got",
    ),
    "no list": ("pyproject.toml", '[tool.snnx]\ncomponents = "ownlab"\n', r"components must be a list of packages, such as"),
    "no package": ("pyproject.toml", '[tool.snnx]\ncomponents = ["a b"]\n', r"components must be a list of packages, such as"),
    "Python's own": (
        "pyproject.toml",
        '[tool.snnx]\ncomponents = ["os"]\n',
        "components must not name a package of Python itself",
    ),
    "nowhere": (
        "pyproject.toml",
        '[tool.snnx]\ncomponents = ["gone"]\n',
        "must name packages that lie beside it or are installed",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_folder_with_a_mistake_is_refused(here, wrong):
    path, text, message = WRONG[wrong]
    write(here, path, text)
    assert re.search(message, refusal(here, "neuron=mine"))


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("conf/neuron/evil.yaml", OPTION.replace("ownlab.mine", "evil.mine"), ["neuron=evil"]),
        ("sweeps/evil.yaml", SWEEP.replace("neuron=mine", "neuron._target_=evil.mine.Mine"), ["-m", "sweep=evil"]),
        ("conf/dataset/evil.yaml", "_target_: evil.mine.Mine\n", ["prepare", "evil"]),
        ("unread", "", ["neuron=mine", "neuron._target_=evil.mine.Mine"]),
        ("unread", "", ["++optimizer.betas=[{_target_: evil.mine.Mine},0.9]"]),
    ],
    ids=["option", "row", "data set", "override", "in a list"],
)
def test_no_option_brings_code_that_the_folder_does_not_name(here, path, text, words):
    """The package lies here and can be imported; nobody here has said that its classes may be built."""
    write(here, "evil/mine.py", f"open({str(here / 'ran')!r}, 'w')\n{NEURON}")
    write(here, path, text)
    said = refusal(here, *words)
    assert "must lie in one of snnx, torch.nn" in said
    assert "ownlab; got evil.mine.Mine: name a package of your own in [tool.snnx] components of pyproject.toml here" in said
    assert not (here / "ran").exists()


def test_an_installed_package_brings_options_and_sweeps(site, tmp_path):
    said = snnx(tmp_path, "--help").stdout
    assert f"Of these from {site / 'otherlab'}: neuron=other, sweep=other_table" in said
    shown = snnx(tmp_path, "neuron=other", "--cfg", "job", "--resolve")
    assert "_target_: otherlab.other.Other" in shown.stdout, shown.stderr


@pytest.mark.slow
def test_a_run_with_what_an_installed_package_brings(site, tmp_path):
    done = snnx(tmp_path, "-m", "sweep=other_table", "scale=smoke")
    assert done.returncode == 0, done.stderr
    assert "2/2" in done.stdout


def test_an_installed_package_and_the_folder_with_one_name(site, here):
    write(here, "conf/neuron/other.yaml", OPTION)
    said = refusal(here, "neuron=other")
    both = f"{site / 'otherlab/conf/neuron/other.yaml'} and {here / 'conf/neuron/other.yaml'}"
    assert said == f"snnx: neuron=other must come from one place; got {both}: rename one\n"


def test_the_folder_that_a_package_was_installed_from_stands_for_it(site, tmp_path):
    """Otherwise every option of it would be there twice for those who work on it."""
    source = tmp_path / "source"
    write(source, "pyproject.toml", '[tool.snnx]\ncomponents = ["otherlab"]\n')
    write(source, "conf/neuron/other.yaml", OPTION)
    assert f"Of these from {source}: neuron=other" in snnx(source, "--help").stdout


@pytest.mark.parametrize("value", ["otherlab.other", "gone", "ownless"])
def test_an_entry_point_without_options_is_refused(site, tmp_path, value):
    write(site, "ownless/__init__.py", "")
    write(site, "otherlab-1.0.dist-info/entry_points.txt", f"[snnx.options]\nlab = {value}\n")
    message = f"the entry point lab of group snnx.options must name a package that holds options; got {value}"
    assert refusal(tmp_path, "neuron=lif") == f"snnx: {message}\n"


def test_another_application_of_hydra_is_left_alone(here):
    """Hydra's plugins serve every application of an environment."""
    write(here, "app/config.yaml", "a: 1\n")
    code = f"""
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
with initialize_config_dir({str(here / "app")!r}, version_base="1.3"):
    print([element.path for element in GlobalHydra.instance().config_loader().get_search_path().get_path()])
"""
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], cwd=here, env=env, capture_output=True, text=True, check=True)
    assert str(here / "app") in done.stdout
    assert "conf'" not in done.stdout.replace("hydra.conf'", "")


def test_what_a_folder_adds_is_found_at_once(empty):
    assert "mine" not in files("neuron")
    own_folder(empty)
    assert files("neuron")["mine"] == empty / "conf" / "neuron" / "mine.yaml"

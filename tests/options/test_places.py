"""Options of the current folder and of installed packages, on the command line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_lines import ROOT, snnx
from own_folder import NEURON, OPTION, SWEEP, installed, own_folder, refusal, write

from hydra_plugins.snnx_source import OptionSource
from snnx.options.files import check_places, files
from snnx.options.places import places


@pytest.fixture(autouse=True)
def no_help_from_python(monkeypatch):
    """Keep `python -m` from adding the current folder to `sys.path`, which the installed command does not do either."""
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


def test_help_lists_the_options_of_the_current_folder(here):
    printed = snnx(here, "--help").stdout
    assert ", lif_learned, mine, plif, " in printed
    assert "  my_table\n      Mine against LIF.\n" in printed
    assert printed.rstrip().endswith(f"From {here}: neuron=mine, sweep=my_table")


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


def test_suggests_options_of_the_current_folder_for_misspelled_names(here):
    assert "did you mean mine?" in refusal(here, "neuron=mien")
    assert "did you mean my_table?" in refusal(here, "-m", "sweep=my_tabel")
    assert "did you mean my_table?" in refusal(here, "report", "my_tabel")
    assert "neuron: Mine has no argument taau; it takes tau, " in refusal(here, "neuron=mine", "+neuron.taau=3")


def test_in_another_folder_the_message_names_the_project(here):
    inner = here / "ownlab"
    assert refusal(inner, "neuron=mine").endswith("got mine; .. has conf/neuron/mine.yaml: run the command there\n")
    assert refusal(inner, "-m", "sweep=my_table").endswith("got my_table; .. has sweeps/my_table.yaml: run the command there\n")
    above = refusal(here.parent, "neuron=mine")
    assert above.endswith(f"got mine; {here.name} has conf/neuron/mine.yaml: run the command there\n")


def test_in_a_checkout_of_snnx_there_is_one_place(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert len(places()) == 1


@pytest.mark.parametrize("path", ["conf/neuron/lif.yaml", "sweeps/demo_neurons.yaml"])
@pytest.mark.parametrize("words", [["neuron=mine"], ["report", "my_table"], ["--help"]])
def test_an_option_or_sweep_with_a_name_of_snnx_is_rejected(here, path, words):
    write(here, path, OPTION)
    error = refusal(here, *words)
    group = "sweep" if path.startswith("sweeps") else "neuron"
    files = f"{ROOT / path} and {here / path}"
    assert error == f"snnx: {group}={Path(path).stem} must be defined by one file only; got {files}: rename one\n"


TOP = r"snnx: .*/conf/config.yaml must be in the folder of a group, such as .*/conf/recipe; got .*/conf$"
WRONG = {
    "the primary configuration": ("conf/config.yaml", "timesteps: 8\n", TOP),
    "no group": ("conf/nuron/mine.yaml", OPTION, "must be in the folder of a group of snnx; got nuron; did you mean neuron?"),
    "a folder in a group": ("conf/neuron/a/b.yaml", OPTION, "must be in the folder of a group of snnx; got neuron/a"),
    "no TOML": ("pyproject.toml", "[tool.snnx\n", "pyproject.toml: must be TOML; "),
    "deep TOML": ("pyproject.toml", f"a = {'[' * 5000}", "pyproject.toml: must be TOML; maximum recursion depth exceeded"),
    "another key": (
        "pyproject.toml",
        "[tool.snnx]\noptions = 1\n",
        r"\[tool.snnx\] must contain only the key components; got",
    ),
    "no list": ("pyproject.toml", '[tool.snnx]\ncomponents = "ownlab"\n', r"components must be a list of packages, such as"),
    "no package": ("pyproject.toml", '[tool.snnx]\ncomponents = ["a b"]\n', r"components must be a list of packages, such as"),
    "Python's own": (
        "pyproject.toml",
        '[tool.snnx]\ncomponents = ["os"]\n',
        "components must not name a package of Python's standard library",
    ),
    "nowhere": (
        "pyproject.toml",
        '[tool.snnx]\ncomponents = ["gone"]\n',
        "must name packages that are installed or beside it",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_mistake_in_the_current_folder_is_rejected(here, wrong):
    path, text, message = WRONG[wrong]
    write(here, path, text)
    assert re.search(message, refusal(here, "neuron=mine"))


@pytest.mark.parametrize(
    ("path", "text", "words", "rule"),
    [
        ("conf/neuron/evil.yaml", OPTION.replace("ownlab.mine", "evil.mine"), ["neuron=evil"], "in one of snnx.neuron, torch"),
        (
            "sweeps/evil.yaml",
            SWEEP.replace("neuron=mine", "neuron._target_=evil.mine.Mine"),
            ["-m", "sweep=evil"],
            "in one of snnx.neuron, torch",
        ),
        ("conf/dataset/evil.yaml", "_target_: evil.mine.Mine\n", ["prepare", "evil"], "in one of snnx.dataset, torch"),
        ("unread", "", ["neuron=mine", "neuron._target_=evil.mine.Mine"], "in one of snnx.neuron, torch"),
        ("unread", "", ["++backbone.channels=[{_target_: evil.mine.Mine},8]"], "in one of snnx.attention, snnx.augmentation"),
        ("unread", "", ["++optimizer.betas=[{_target_: evil.mine.Mine},0.9]"], "a plain value, as optimizer takes no"),
    ],
    ids=["option", "row", "data set", "override", "in a list", "in a list of numbers"],
)
def test_classes_of_packages_that_are_not_listed_are_never_built(here, path, text, words, rule):
    """The package `evil` is in the current folder and can be imported, but `pyproject.toml` does not list it."""
    write(here, "evil/mine.py", f"open({str(here / 'ran')!r}, 'w')\n{NEURON}")
    write(here, path, text)
    error = refusal(here, *words)
    assert f"must be {rule}" in error
    assert "got evil.mine.Mine" in error
    assert not (here / "ran").exists()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "conf/neuron/LIF.yaml",
            "neuron=LIF must differ from lif in more than capital letters, .*; got .*lif.yaml and .*LIF.yaml",
        ),
        ("conf/neuron/Mine.yaml", "neuron=mine must differ from Mine in more than capital letters"),
        ("sweeps/Demo_neurons.yaml", "sweep=Demo_neurons must differ from demo_neurons in more than capital letters"),
        ("conf/Neuron/other.yaml", "must be in the folder of a group of snnx; got Neuron; did you mean neuron?"),
        ("conf/Hydra/launcher/basic.yaml", "must be in the folder of a group of snnx; got Hydra/launcher"),
        ("conf/neuron/evil.YAML", r"evil\.YAML must end in \.yaml in small letters; got \.YAML: rename it"),
        ("sweeps/evil.Yaml", r"evil\.Yaml must end in \.yaml in small letters; got \.Yaml: rename it"),
    ],
)
def test_names_must_differ_in_more_than_capital_letters(here, monkeypatch, path, message):
    """On a file system that ignores capital letters, Hydra would read another file than the checked one."""
    write(here, path, SWEEP if path.startswith("sweeps") else OPTION)
    monkeypatch.chdir(here)
    with pytest.raises(ValueError, match=message):
        check_places()


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\nhydra: {run: {dir: /}}\n",
            "hydra must be set on the command line only",
        ),
        ("conf/recipe/evil.yaml", "# @package _global_\nforce: true\n", "force must be set on the command line only"),
        ("conf/neuron/evil.yaml", "# @package hydra.callbacks\na: 1\n", "@package must not be in Hydra's own configuration"),
        ("conf/hydra/launcher/evil.yaml", "a: 1\n", "must not be an option of Hydra itself"),
        ("conf/neuron/evil.yaml", "a: &a [*a]\n", "must have at most 100,000 values"),
    ],
)
def test_the_options_of_an_installed_package_are_checked_like_received_ones(site, tmp_path, path, text, message):
    write(site / "otherlab", path, text)
    assert message in refusal(tmp_path, "neuron=lif")


def test_an_option_of_an_installed_package_is_checked_as_hydra_has_read_it(site):
    write(site / "otherlab", "conf/recipe/evil.yaml", "# @package _global_\nhydra: {run: {dir: /}}\n")
    source = OptionSource(provider="otherlab", path=f"snnx://{site / 'otherlab/conf'}")
    with pytest.raises(ValueError, match="hydra must be set on the command line only"):
        source.load_config("recipe/evil")


def test_an_installed_package_provides_options_and_sweeps(site, tmp_path):
    printed = snnx(tmp_path, "--help").stdout
    assert f"From {site / 'otherlab'}: neuron=other, sweep=other_table" in printed
    shown = snnx(tmp_path, "neuron=other", "--cfg", "job", "--resolve")
    assert "_target_: otherlab.other.Other" in shown.stdout, shown.stderr


@pytest.mark.slow
def test_a_sweep_of_an_installed_package_runs(site, tmp_path):
    done = snnx(tmp_path, "-m", "sweep=other_table", "scale=smoke")
    assert done.returncode == 0, done.stderr
    assert "2/2" in done.stdout


def test_the_same_option_in_an_installed_package_and_the_current_folder_is_rejected(site, here):
    write(here, "conf/neuron/other.yaml", OPTION)
    error = refusal(here, "neuron=other")
    files = f"{site / 'otherlab/conf/neuron/other.yaml'} of the package otherlab and {here / 'conf/neuron/other.yaml'}"
    assert error == f"snnx: neuron=other must be defined by one file only; got {files}: rename one\n"


def test_the_same_option_in_two_installed_packages_is_rejected_and_both_are_named(site, tmp_path, monkeypatch):
    """The second package has another name for pip than for Python."""
    second = installed(tmp_path / "second", "secondlab", "Second-Lab")
    monkeypatch.setattr("command_lines.ROOT", f"{ROOT}:{site}:{second}")
    first = f"{site / 'otherlab/conf/neuron/other.yaml'} of the package otherlab"
    files = f"{first} and {second / 'secondlab/conf/neuron/other.yaml'} of the package Second-Lab"
    do = "pip uninstall otherlab or pip uninstall Second-Lab"
    (tmp_path / "empty").mkdir()
    for words in (["neuron=other"], ["neuron=lif"], ["--help"]):
        error = refusal(tmp_path / "empty", *words)
        assert error == f"snnx: neuron=other must be defined by one file only; got {files}: {do}\n"
    (second / "secondlab/conf/neuron/other.yaml").rename(second / "secondlab/conf/neuron/Other.yaml")
    error = refusal(tmp_path / "empty", "neuron=lif")
    assert error.startswith("snnx: neuron=Other must differ from other in more than capital letters")
    assert error.endswith(f"Other.yaml of the package Second-Lab: {do}\n")


def test_an_installed_package_with_an_option_of_snnx_is_named(site, tmp_path):
    write(site, "otherlab/conf/neuron/lif.yaml", OPTION)
    error = refusal(tmp_path, "neuron=lif")
    assert error.endswith(f"{site / 'otherlab/conf/neuron/lif.yaml'} of the package otherlab: pip uninstall otherlab\n")


def test_a_package_whose_options_differ_in_capitals_is_named_once(site, tmp_path):
    write(site, "otherlab/conf/neuron/Other.yaml", OPTION)
    error = refusal(tmp_path, "neuron=lif")
    assert "must differ from Other in more than capital letters" in error
    assert error.endswith(f"{site / 'otherlab/conf/neuron/other.yaml'} of the package otherlab: pip uninstall otherlab\n")


def test_in_the_source_folder_of_an_installed_package_its_options_count_once(site, tmp_path):
    """Otherwise its authors would get an error that every option is defined twice."""
    source = tmp_path / "source"
    write(source, "pyproject.toml", '[tool.snnx]\ncomponents = ["otherlab"]\n')
    write(source, "conf/neuron/other.yaml", OPTION)
    assert f"From {source}: neuron=other" in snnx(source, "--help").stdout


@pytest.mark.parametrize("value", ["otherlab.other", "gone", "ownless"])
def test_an_entry_point_without_options_is_rejected(site, tmp_path, value):
    write(site, "ownless/__init__.py", "")
    write(site, "otherlab-1.0.dist-info/entry_points.txt", f"[snnx.options]\nlab = {value}\n")
    message = f"the entry point lab of group snnx.options must name a package that contains options; got {value}"
    assert refusal(tmp_path, "neuron=lif") == f"snnx: {message}\n"


def test_other_applications_of_hydra_are_not_affected(here):
    """Hydra loads our plugins in every application that is installed in the same environment."""
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


def test_an_option_that_is_added_later_is_found(empty):
    assert "mine" not in files("neuron")
    own_folder(empty)
    assert files("neuron")["mine"] == empty / "conf" / "neuron" / "mine.yaml"


def test_the_clone_of_another_snnx_is_rejected(here):
    """Its options would be mixed with those of the installed one, which have the same names."""
    (here / "snnx" / "options").mkdir(parents=True)
    (here / "snnx" / "options" / "files.py").write_text("")
    (here / "conf").mkdir(exist_ok=True)
    assert f"{here} must not be the clone of another snnx than the one that runs" in refusal(here, "--help")

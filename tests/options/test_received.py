"""Options, sweep files and rows from somebody else set values of a run; they never decide what is executed, kept or deleted."""

import os
import re
from pathlib import Path

import pytest
from composing import composed
from own_folder import refusal, write

from hydra_plugins.snnx_source import OptionSource
from snnx.options import sweepfile
from snnx.options.folders import shipped
from snnx.options.received import COMMAND_LINE_ONLY, LARGEST, check_content, check_keys, check_option
from snnx.options.row import row_of
from snnx.options.stated import Stated
from snnx.run.reopen import reopen

SWEEP = "# A figure.\n#   snnx -m sweep=evil\nsweep: {paper: own, artifact: T, metric: test/acc}\n"
EVIL = "{evil: {_target_: evil.Callback}}"


@pytest.mark.parametrize(
    ("path", "text", "words", "message"),
    [
        (
            "conf/recipe/evil.yaml",
            f"# @package _global_\nhydra: {{callbacks: {EVIL}}}\n",
            ["recipe=evil"],
            "hydra must be set on",
        ),
        (
            "conf/neuron/evil.yaml",
            f"# @package hydra.callbacks\n{EVIL}\n",
            ["neuron=evil"],
            "@package must not be in Hydra's own",
        ),
        (
            "conf/neuron/evil.yaml",
            f"\n#  @package   _global_.hydra\n{EVIL}\n",
            ["neuron=evil"],
            "@package must not be in Hydra's",
        ),
        *(
            ("conf/recipe/evil.yaml", f"{header}{EVIL}\n", ["recipe=evil"], "@package must not be in Hydra's")
            for header in (
                " # @package hydra.callbacks\n",
                "# @package _global_\n# @package hydra.callbacks\n",
                "# a comment\u2028# @package hydra.callbacks\n",
            )
        ),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\ndefaults: [/../data/evil]\n",
            ["recipe=evil"],
            r"defaults must name options in the folders of conf; got /\.\./data/evil",
        ),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\ndefaults: [{override /neuron: ../../evil}]\n",
            ["recipe=evil"],
            r"defaults must name options in the folders of conf; got \.\./\.\./evil",
        ),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\ndefaults: [{override /neuron: '${oc.decode:x}'}]\n",
            ["recipe=evil"],
            "defaults must be plain names; got",
        ),
        (
            "conf/recipe/..yaml",
            "# @package _global_\ndefaults: [{override /neuron: '${recipe}${recipe}/${recipe}${recipe}/data/evil'}]\n",
            ["recipe=."],
            "defaults must be plain names; got",
        ),
        (
            "conf/neuron/evil.yaml",
            "defaults: ${other}\nother: [{/neuron@_global_.hydra.callbacks: fine}]\n",
            ["neuron=evil"],
            r"defaults must be a list; got \$\{other\}",
        ),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\nlabel: ../../evil\n",
            ["recipe=evil"],
            "label must be set on the command line only",
        ),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\ndefaults:\n  - override /hydra/launcher: basic\n",
            ["recipe=evil"],
            "defaults must choose no option of Hydra itself; got override /hydra/launcher",
        ),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\ndefaults: [{/neuron@hydra.callbacks: lif}]\n",
            ["recipe=evil"],
            "defaults must choose no option of Hydra itself; got /neuron@hydra.callbacks",
        ),
        ("conf/hydra/launcher/evil.yaml", f"{EVIL}\n", ["neuron=lif"], "must not be an option of Hydra itself"),
        (
            "conf/recipe/evil.yaml",
            "# @package _global_\nforce: true\n",
            ["recipe=evil"],
            "force must be set on the command line",
        ),
        ("conf/recipe/evil.yaml", "a: &a [1]\nb: [*c]\n", ["recipe=evil"], "must be YAML"),
        ("conf/recipe/evil.yaml", "a: !!python/object/apply:os.system [true]\n", ["recipe=evil"], "must be YAML"),
        ("sweeps/evil.yaml", f"{SWEEP}force: true\n", ["-m", "sweep=evil"], "force must be set on"),
        ("sweeps/evil.yaml", f"{SWEEP}hydra: {{callbacks: {EVIL}}}\n", ["-m", "sweep=evil"], r"only sweeper\.params; got"),
        (
            "sweeps/evil.yaml",
            f"{SWEEP}defaults: [{{override /hydra/sweeper: basic}}]\n",
            ["-m", "sweep=evil"],
            "defaults must choose no option of Hydra itself",
        ),
        *(
            (
                "sweeps/evil.yaml",
                f"{SWEEP}rows: {{A: {{set: ['{word}']}}}}\n",
                ["-m", "sweep=evil"],
                "must be set on the command",
            )
            for word in (
                "hydra/launcher=basic",
                "+hydra.callbacks.evil=x",
                "hydra.sweep.dir=/tmp",
                "++search={study: x}",
                "label=../../x",
            )
        ),
        (
            "sweeps/evil.yaml",
            f"{SWEEP}rows: {{A: {{set: ['defaults=[/hydra/launcher/basic]']}}}}\n",
            ["-m", "sweep=evil"],
            "row A: set must choose an option as group=name, and not by defaults; got defaults=",
        ),
        (
            "sweeps/evil.yaml",
            f"{SWEEP}rows: {{A: {{set: [neuron=../../evil]}}}}\n",
            ["-m", "sweep=evil"],
            r"row A: defaults must name options in the folders of conf; got \.\./\.\./evil",
        ),
        *(
            (
                "sweeps/evil.yaml",
                f"{SWEEP}rows: {{A: {{set: ['neuron={path}']}}}}\n",
                ["sweep=evil", "row=A"],  # without -m, Hydra's callbacks are called before snnx sees the configuration
                "row A: defaults must ",
            )
            for path in ("../../data/evil", "${oc.decode:../../data/evil}", "${recipe}${scale}")
        ),
        (
            "sweeps/evil.yaml",
            f"{SWEEP}hydra: {{sweeper: {{params: {{neuron: ../../data/evil}}}}}}\nrows: {{A: {{set: [timesteps=2]}}}}\n",
            ["-m", "sweep=evil", "hydra/launcher=basic"],
            r"neuron must be the name of an option; got \.\./\.\./data/evil",
        ),
        (
            "sweeps/evil.yaml",
            f"{SWEEP}hydra: {{sweeper: {{params: {{+neuron@hydra.job_logging: fine}}}}}}\nrows: {{A: {{set: [seed=2]}}}}\n",
            ["-m", "sweep=evil", "hydra/launcher=basic"],
            r"hydra\.sweeper\.params: a key must have no @PACKAGE, .* got \+neuron@hydra\.job_logging",
        ),
        *(
            (
                "sweeps/evil.yaml",
                f"{SWEEP}hydra: {{sweeper: {{params: {{{key}: 'true'}}}}}}\nrows: {{A: {{set: [neuron=lif]}}}}\n",
                ["-m", "sweep=evil"],
                r"hydra\.sweeper\.params: \w+ must be set on the command line only",
            )
            for key in ("force", "+search.storage", "hydra/launcher")
        ),
        (
            "conf/recipe/evil.yaml",
            f"# @package _global_\ntimesteps: {'9' * 4000}\n",
            ["recipe=evil"],
            "Overflow when unpacking",
        ),
        (
            "conf/recipe/evil.yaml",
            f"# @package _global_\ntimesteps: '{'${' * 1000}a{'}' * 1000}'\n",
            ["recipe=evil"],
            "a value must not be nested so deeply",
        ),
        (
            "sweeps/evil.yaml",
            f"{SWEEP}rows: {{A: {{set: ['neuron.tau={'[' * 3000}{']' * 3000}']}}}}\n",
            ["-m", "sweep=evil"],
            "a value must not be nested so deeply",
        ),
        (
            "sweeps/evil.yaml",
            "# A figure.\n#   snnx -m sweep=evil\nsweep:\n  {paper: own, artifact: T, metric: test/acc,\n"
            "  tune: {keys: {force: 'choice(true,false)'}, trials: 1, epochs: 1}}\nrows: {A: {set: [neuron=lif]}}\n",
            ["-m", "sweep=evil"],
            "keys of tune: force must be set on the command line only",
        ),
    ],
)
def test_a_received_file_that_decides_more_than_a_run_is_refused(tmp_path, path, text, words, message):
    write(tmp_path, "evil.py", f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    write(tmp_path, "conf/neuron/fine.yaml", "tau: 2.0\n")
    write(tmp_path, "evil.yaml", (shipped("conf") / "neuron" / "lif.yaml").read_text())
    write(tmp_path, "data/evil.yaml", f"# @package hydra.callbacks\n{EVIL}\n")
    write(tmp_path, path, text)
    assert re.search(message, refusal(tmp_path, *words))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", ["recipe", "recipe/further", "hydra", "nothing"])
def test_a_folder_of_options_that_is_a_link_is_refused(tmp_path, place):
    """Python's search of a folder does not follow links to folders, but Hydra does."""
    write(tmp_path, "evil.py", f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    write(tmp_path, "stuff/evil.yaml", f"# @package hydra.callbacks\n{EVIL}\n")
    (tmp_path / "conf" / place).parent.mkdir(parents=True)
    (tmp_path / "conf" / place).symlink_to(tmp_path / "stuff")
    message = f"conf/{place} must be a folder, so that its options are checked; got a link"
    assert message in refusal(tmp_path, "seed=0")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["../recipe/fine", "recipe/evil", "recipe/late"])
def test_an_option_is_checked_as_hydra_has_read_it(tmp_path, name):
    """A search of the folder may not show it, and its text may have changed since then."""
    write(tmp_path, "conf/recipe/evil.yaml", f"# @package hydra.callbacks\n{EVIL}\n")
    write(tmp_path, "conf/recipe/late.yaml", f"# @package _global_\nhydra: {{callbacks: {EVIL}}}\n")
    write(tmp_path, "recipe/fine.yaml", "seed: 0\n")
    source = OptionSource(provider="received", path=f"snnx://{tmp_path / 'conf'}")
    with pytest.raises(ValueError, match=r"must be the name of an option|@package must not be|hydra must be set on"):
        source.is_config(name) and source.load_config(name)


def _pipe(path):
    os.mkfifo(path)


def _nothing(path):
    path.symlink_to("nowhere")


def _utf16(path):
    path.write_text("seed: 0", encoding="utf-16")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_pipe, "must be a regular file that can be read; got: Is a pipe or a device"),
        (Path.mkdir, "must be a regular file that can be read; got: Is a directory"),
        (_nothing, "must be a regular file that can be read; got: No such file or directory"),
        (_utf16, "must be text in UTF-8; byte 0 is not: invalid start byte"),
    ],
)
@pytest.mark.parametrize(
    ("path", "words"),
    [("conf/neuron/evil.yaml", ["seed=0"]), ("sweeps/evil.yaml", ["-m", "sweep=evil"]), ("pyproject.toml", ["seed=0"])],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, path, words, make, message):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    make(tmp_path / path)
    if path == "pyproject.toml" and make is _nothing:  # there is none
        return
    assert f"{path} {message}" in refusal(tmp_path, *words)


@pytest.mark.parametrize("key", COMMAND_LINE_ONLY)
@pytest.mark.parametrize("form", ["{}", "+{}", "++{}.a", "~{}", "{}/a", "{}@b", " {}"])
def test_no_way_of_writing_such_a_key_is_accepted(key, form):
    with pytest.raises(ValueError, match=f"row A: {key} must be set on the command line only: leave it out"):
        check_keys([form.format(key)], "row A")


@pytest.mark.parametrize(
    "key", ["--config-dir", "-m", "neuron tau", "neuron\n-m", "${neuron}", "neuron[0]", "", "+++a", "é", "0"]
)
def test_a_key_that_could_be_an_option_of_a_command_is_refused(key):
    with pytest.raises(ValueError, match=r"row A: a key must consist of letters, digits and _, as in neuron\.tau; got"):
        check_keys([key], "row A")


def test_the_keys_that_people_write_are_accepted():
    check_keys(["neuron", "neuron.tau", "+metric.energy", "++x.y", "~scheduler", "a/b", "_target_", " seed "], "row A")


def test_aliases_of_aliases_are_counted_and_not_written_out():
    value: list = [0] * 10
    for _ in range(30):
        value = [value] * 10  # 10**31 values in 310
    with pytest.raises(ValueError, match=f"x.yaml: must have at most {LARGEST:,} values"):
        check_content({"a": value}, "x.yaml")


def test_aliases_of_aliases_in_a_received_run_are_not_written_out(tmp_path):
    lines = ["seed: 0", "method: {}", "budget: {}", "trainer: {}", "a0: &a0 [0,0,0,0,0,0,0,0,0,0]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    write(tmp_path, "config.yaml", "\n".join([*lines, "dataset: *a29", ""]))
    with pytest.raises(ValueError, match=r"config\.yaml must be valid YAML; .*: it must have at most 100,000 values, w"):
        reopen(tmp_path)


@pytest.mark.parametrize("form", ["[{}]", "{{a: [{}]}}", "!!pairs [{{a: [{}]}}]", "!!omap [{{a: [{}]}}]"])
@pytest.mark.parametrize("where", ["title", "hydra", "sweep", "rows"])
def test_aliases_of_aliases_in_a_sweep_file_are_not_written_out(tmp_path, form, where):
    lines = ["a0: &a0 [0, 0]", *(f"a{n}: &a{n} {form.format(','.join([f'*a{n - 1}'] * 10))}" for n in range(1, 30))]
    evil = write(tmp_path, "evil.yaml", "\n".join([*lines, f"{where}: *a29", ""]))
    with pytest.raises(ValueError, match=r"^evil\.yaml: must be YAML; it must have at most 100,000 values, with every alias"):
        sweepfile.read(evil)


def test_a_long_text_with_many_aliases_is_not_written_out(tmp_path):
    written = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 101)}]\n"
    with pytest.raises(
        ValueError, match=r"x\.yaml: must be YAML; it must have at most 10,000,000 characters, with every alias"
    ):
        check_option(write(tmp_path, "x.yaml", written))


def test_aliases_in_the_word_of_a_row_are_not_written_out():
    """Only a report reads such a word as YAML; Hydra refuses it."""
    aliases = "".join(f", &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30))
    row = row_of("A", {"set": [f"seed=[&a0 [0]{aliases}]"]}, "test/acc", "a.yaml")
    assert "seed" not in Stated({}).settings(row.overrides, []).values


def test_merges_of_merges_are_not_written_out(tmp_path):
    lines = ["a0: &a0 {x: 0, y: 0}"]
    lines += [f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 4)]
    with pytest.raises(ValueError, match=r"x\.yaml: must be YAML; could not determine a constructor for .*merge"):
        check_option(write(tmp_path, "x.yaml", "\n".join(lines)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [*a]\n", "must be YAML; it must have at most 100,000 values, with every alias written out"),
        ("[" * 5_000, "must be YAML; while increasing flow level exceeded maximum nesting depth"),
        ("- " * 5_000, "must be YAML; while increasing block level exceeded maximum nesting depth"),
        ("a: !!int ''\n", "must be YAML; a value does not fit its tag"),
        ("a: !!timestamp x\n", "must be YAML; a value does not fit its tag"),
        ("a: 2000-99-99\n", "must be YAML; a value does not fit its tag"),
    ],
    ids=lambda text: text[:20],
)
def test_a_text_that_breaks_the_parser_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf"x\.yaml: {message}"):
        check_option(write(tmp_path, "x.yaml", text))


@pytest.mark.parametrize("name", ["HOME", "AWS_SECRET_ACCESS_KEY", "PATH"])
def test_only_variables_of_snnx_can_be_read(monkeypatch, name, tmp_path):
    monkeypatch.setenv(name, "a secret text")
    error = refusal(tmp_path, "dataset=mnist", f"dataset.root=${{oc.env:{name}}}")
    assert f"oc.env must name an environment variable that begins with SNNX_; got {name}" in error
    assert "a secret text" not in error


def test_variables_of_snnx_can_be_read(monkeypatch):
    monkeypatch.setenv("SNNX_SCRATCH", "/scratch")
    assert composed("dataset=mnist", "dataset.root=${oc.env:SNNX_SCRATCH}/data").config["dataset"]["root"] == "/scratch/data"
    assert composed("dataset=mnist", "dataset.root=${oc.env:SNNX_NONE,here}").config["dataset"]["root"] == "here"


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "true"])
def test_a_row_chooses_an_option_by_its_name(value):
    with pytest.raises(ValueError, match=f"^a.yaml: row A: dataset must be the name of an option; got {re.escape(value)}$"):
        row_of("A", {"set": [f"dataset={value}"]}, "test/acc", "a.yaml")


@pytest.mark.parametrize(
    ("text", "kind"),
    [("_target_ mylab.mb.Net\n", "text"), ("- _target_\n", "list"), ("# A network.\n_target_ mylab.mb.Net\nwidth 3\n", "text")],
)
def test_an_option_without_a_colon_is_refused(tmp_path, text, kind):
    """PyYAML reads such a file as one text or a list. It is not quoted, since a link may lead to a file with a password."""
    path = write(tmp_path, "conf/backbone/mb.yaml", text)
    with pytest.raises(ValueError, match=rf"mb\.yaml: must be YAML with a line KEY: VALUE for each setting; got a {kind}$"):
        check_option(path)

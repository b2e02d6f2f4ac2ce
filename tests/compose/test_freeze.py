"""Runs of a sweep that choose the same options are composed together, and become what Hydra composes for each alone."""

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest
import yaml
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from omegaconf import open_dict

from snnx.compose.compose import job
from snnx.compose.freeze import MANY, freeze
from snnx.compose.sweep_options import register
from snnx.options.files import files, groups
from snnx.options.folders import shipped
from snnx.options.left_over import left_over
from snnx.options.received import COMMAND_LINE_ONLY
from snnx.record.identity import leaves

SWEEP = "demo_neurons"
EXAMPLES = 6  # composing takes 0.2 s
GROUPS = [group for group in groups() if not group.startswith("hydra/")]
KEYS = ["seed", "timesteps", "label", "unknown", "neuron.unknown", "unknown.key", "dataset", "budget", "hydra.verbose"]
OF_ROWS = [
    key for key in KEYS if key.split(".")[0] not in (*COMMAND_LINE_ONLY, "budget") and key not in GROUPS
]  # a row may not set these, and the values that are drawn are no names of options
VALUES = [
    "0", "3", "-1", "2.5", "true", "null", "text", "''", "'a b'", "[]", "[1,2]", "[firing_rate]", "{}", "{tau:3.0}",
    "{_target_:snnx.neuron.lif.LIF}", "${timesteps}", "${seed}", "${neuron.tau}", "${hydra.job.name}", "???", "1,2", "a=b",
]  # fmt: skip


@contextmanager
def hydra(*words: str):
    """Hydra's loader, and its configuration of the sweep that `snnx -m WORDS` starts."""
    GlobalHydra.instance().clear()
    register(words)
    with initialize_config_dir(str(shipped("conf")), version_base="1.3"):
        app = GlobalHydra.instance().hydra
        yield app.config_loader, app.compose_config("config", list(words), RunMode.MULTIRUN)


def alone(loader, master, words):
    """The run as Hydra composes it, or what is wrong with it."""
    try:
        composed = loader.load_sweep_config(master, list(words))
        with open_dict(composed):
            composed.hydra.job.id = composed.hydra.job.num = 0  # as Hydra's launchers do
        given, chosen = list(composed.hydra.overrides.task), dict(composed.hydra.runtime.choices)
        unused = left_over(chosen, given)
        return job(composed, overrides=given, choices=chosen, unused=unused, command="snnx")
    except Exception as error:
        return type(error), str(error)


def together(loader, master, runs):
    try:
        return [replace(made, command="snnx", code={}) for made in freeze(loader, master, runs)]
    except Exception as error:
        return type(error), str(error)


@st.composite
def words(draw, keys):
    """One word of a command line: it chooses an option, or sets, adds or removes a value; some are wrong."""
    group = draw(st.sampled_from(GROUPS))
    options = st.sampled_from([*files(group), "null"])
    chosen = draw(options | st.lists(options, max_size=2).map(lambda names: f"[{','.join(names)}]"))
    prefix = draw(st.sampled_from(["", "", "", "", "+", "++", "~"]))
    key = draw(st.sampled_from([*KEYS, *keys]))
    plain = f"{prefix}{key}={draw(st.sampled_from(VALUES))}"
    known = draw(st.sampled_from([f"{group}={draw(options)}", "row=PLIF", "row=LIF", "seed=1", "seed=2", "neuron.tau=4"]))
    return draw(st.sampled_from([known, known, plain, plain, f"{prefix}{group}={chosen}", f"~{group}", f"{group}@at={chosen}"]))


@pytest.mark.slow
@pytest.mark.parametrize("line", [(), (f"sweep={SWEEP}", "recipe=dta_mnist"), ("hydra.job.chdir=false", "timesteps=2")])
def test_runs_are_what_hydra_composes(line):
    with hydra(*line) as (loader, master):
        (default,) = freeze(loader, master, [list(master.hydra.overrides.task)])
        keys = [key for key, _ in leaves(default.config)]

        @settings(
            max_examples=EXAMPLES, phases=[Phase.generate], derandomize=True
        )  # to find a smaller example would take minutes
        @given(st.lists(st.lists(words(keys), max_size=4), min_size=1, max_size=3), st.lists(words(keys), max_size=2))
        def check(runs, shared):
            runs = [[*shared, *run] for run in runs]
            expected = [alone(loader, master, run) for run in runs]
            for run, one in zip(runs, expected, strict=True):
                found = together(loader, master, [run])
                assert found == (one if isinstance(one, tuple) else [one])
            good = [(run, one) for run, one in zip(runs, expected, strict=True) if not isinstance(one, tuple)]
            assert together(loader, master, [run for run, _ in good]) == [one for _, one in good]

        check()


@st.composite
def sweeps(draw, keys):
    """The words of the rows of a sweep. Several choose the same options and differ in values."""
    options = st.sampled_from(GROUPS).flatmap(
        lambda group: st.sampled_from([f"{group}={name}" for name in [*files(group), "null"]])
    )
    kinds = draw(st.lists(st.lists(options, max_size=2, unique_by=lambda word: word.partition("=")[0]), min_size=1, max_size=2))
    key = st.sampled_from(["trainer.max_epochs", "neuron.tau", "optimizer.lr", "neuron.extra", *OF_ROWS, *keys])
    values = st.lists(
        st.builds(
            "{}={}".format, key, st.sampled_from(["0.5", "4.0", *(value for value in VALUES if value not in ("1,2", "a=b"))])
        ),
        max_size=3,
    )
    return [[*draw(st.sampled_from(kinds)), *draw(values)] for _ in range(draw(st.integers(2, 5)))]


@pytest.mark.slow
def test_rows_are_what_hydra_composes(tmp_path, monkeypatch):
    """Rows that choose the same options are merged in the place of one of them, between what comes before and after it."""
    with hydra() as (loader, master):
        (default,) = freeze(loader, master, [[]])
        keys = [key for key, _ in leaves(default.config) if key.split(".")[0] not in ("sweep", "budget", *COMMAND_LINE_ONLY)]
        keys = [key for key in keys if key not in GROUPS]  # the values that are drawn are no names of options
    monkeypatch.chdir(tmp_path)
    seen = Counter()

    @settings(max_examples=EXAMPLES, phases=[Phase.generate], derandomize=True)
    @given(sweeps(keys), st.lists(words(keys), max_size=1))
    def check(rows, shared):
        write_sweep(tmp_path, {f"R{number}": row for number, row in enumerate(rows)})
        with hydra("sweep=random") as (loader, master):
            runs = [[f"row=R{number}", "sweep=random", *shared] for number in range(len(rows))]
            expected = [alone(loader, master, run) for run in runs]
            good = [(run, one) for run, one in zip(runs, expected, strict=True) if not isinstance(one, tuple)]
            bad = [(run, one) for run, one in zip(runs, expected, strict=True) if isinstance(one, tuple)]
            assert together(loader, master, [run for run, _ in good]) == [one for _, one in good]
            for run, one in bad:
                assert together(loader, master, [*(run for run, _ in good), run]) == one
            seen.update(good=len(good), bad=len(bad))

    check()
    assert seen["good"] > EXAMPLES
    assert seen["bad"]


def write_sweep(folder, rows):
    (folder / "sweeps").mkdir(exist_ok=True)
    sweep = {"paper": "none", "artifact": "Random rows", "metric": "test/acc"}
    content = {"sweep": sweep, "rows": {label: {"set": row} for label, row in rows.items()}}
    (folder / "sweeps" / "random.yaml").write_text(yaml.safe_dump(content))


def test_rows_that_choose_the_same_options_are_merged_together(tmp_path, monkeypatch):
    """Each row keeps its own values and label, and all have the scale."""
    write_sweep(tmp_path, {
        "A": ["neuron=plif", "neuron.tau=3.0"], "B": ["neuron=plif", "optimizer.lr=0.5"],
        "C": ["neuron.tau=5.0"], "D": ["neuron=plif", "timesteps=7", "neuron.v_threshold=${timesteps}"],
    })  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with hydra("sweep=random") as (loader, master):
        composed = []
        monkeypatch.setattr(
            loader, "load_sweep_config", lambda *words, load=loader.load_sweep_config: composed.append(1) or load(*words)
        )
        made = freeze(loader, master, [["sweep=random", f"row={label}", "scale=small"] for label in "ABCD"])
        assert len(composed) == 2, "once for the rows with plif, and once for C"
    assert [job.row for job in made] == [job.config["label"] for job in made] == list("ABCD")
    default = made[1].config["neuron"]["tau"]
    assert [job.config["neuron"]["tau"] for job in made] == [3.0, default, 5.0, default]
    assert [job.config["neuron"].get("v_threshold") for job in made][3] == 7
    assert {job.config["budget"]["width"] for job in made} == {0.25}
    assert made[1].config["optimizer"]["lr"] == 0.5 != made[0].config["optimizer"]["lr"]


def test_an_option_that_depends_on_the_label_is_composed_for_each_row(tmp_path, monkeypatch):
    write_sweep(tmp_path, {"lif": ["recipe=own"], "plif": ["recipe=own"]})
    (tmp_path / "conf" / "recipe").mkdir(parents=True)
    (tmp_path / "conf" / "recipe" / "own.yaml").write_text(
        "# @package _global_\ndefaults: [{/neuron@backbone.extra: '${row}'}]\n"
    )
    monkeypatch.chdir(tmp_path)
    with hydra("sweep=random") as (loader, master):
        made = freeze(loader, master, [["sweep=random", "row=lif"], ["sweep=random", "row=plif"]])
    assert [job.config["backbone"]["extra"]["_target_"].rpartition(".")[2] for job in made] == ["LIF", "PLIF"]


def test_each_run_keeps_its_place():
    with hydra() as (loader, master):
        runs = [["seed=0", "neuron=if"], ["seed=0", "neuron=lif"], ["seed=1", "neuron=if"], ["seed=1", "neuron=lif"]]
        assert [made.row for made in freeze(loader, master, runs)] == ["neuron=if", "neuron=lif"] * 2


def test_a_run_does_not_change_the_next_one():
    """Lists and mappings are merged into the copy of each run."""
    with hydra() as (loader, master):
        runs = [["backbone.channels=[4,8]", "+neuron.extra={a:1}"], ["seed=1"], ["+neuron.extra={b:2}"]]
        first, second, third = freeze(loader, master, runs)
        assert first.config["backbone"]["channels"] == [4, 8] != second.config["backbone"]["channels"]
        assert (first.config["neuron"]["extra"], third.config["neuron"]["extra"]) == ({"a": 1}, {"b": 2})
        assert "extra" not in second.config["neuron"]


@pytest.mark.parametrize(("terminal", "runs", "shown"), [(True, MANY + 1, True), (True, MANY, False), (False, MANY + 1, False)])
def test_many_runs_are_counted_on_a_terminal(terminal, runs, shown, monkeypatch, capsys):
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")  # to rich, this is a terminal
    with hydra() as (loader, master):
        freeze(loader, master, [[f"seed={seed}"] for seed in range(runs)])
    assert (f"composing run {runs} of {runs}" in capsys.readouterr().out) == shown

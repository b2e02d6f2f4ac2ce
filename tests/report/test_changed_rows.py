"""A run whose settings are no longer those of the files is named, wherever the setting stands."""

import pytest
import yaml
from composing import composed
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from own_folder import write

from snnx.command import status
from snnx.options.stated import Stated
from snnx.options.sweepfile import read, sweep_named
from snnx.record.identity import physics
from snnx.record.source import digest, sources
from snnx.report.data.changed_rows import ChangedRows
from snnx.report.data.doubts import Doubts
from snnx.report.data.lines import lines
from snnx.report.data.runs import collect

HEAD = "# Two neurons.\n#   snnx -m sweep=fig\nsweep: {paper: own, artifact: Two neurons, metric: test/acc}\n"
FILE = HEAD + "timesteps: 6\nrows:\n  A: {set: [neuron=if]}\n  B: {set: ['neuron=lif', 'neuron.tau=3']}\n"


def written(folder, text):
    """A sweep file, which Hydra and the report both find."""
    (folder / "sweeps").mkdir(exist_ok=True)
    (folder / "sweeps" / "fig.yaml").write_text(text)
    return read(folder / "sweeps" / "fig.yaml")


def result(*words):
    """The result of a run of the sweep file as it is now, as far as it is compared."""
    job = composed("sweep=fig", *words)
    return {"row": job.row, "physics": physics(job.config), "overrides": job.overrides}


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("timesteps: 6", "timesteps: 4", "timesteps: 6 → 4"),
        ("set: [neuron=if]", "set: [neuron=klif]", "neuron: snnx.neuron.if_.IF → snnx.neuron.klif.KLIF"),
        ("set: [neuron=if]", "set: [neuron=if, norm=tdbn]", "norm: null → snnx.norm.tdbn.TDBN"),
        ("set: [neuron=if, norm=tdbn]", "set: [neuron=if]", "norm: snnx.norm.tdbn.TDBN → null"),
        ("set: [neuron=if]", "set: [neuron=if, init=kaiming]", "init: null → snnx.init.kaiming.Kaiming"),
        ("set: [neuron=if, init=kaiming]", "set: [neuron=if]", "init: snnx.init.kaiming.Kaiming → null"),
        ("set: [neuron=if]", "set: [neuron=if, 'metric=[firing_rate,potential]']", "metric.potential: null → "),
        ("set: [neuron=if]", "set: [neuron=if, metric=null]", "metric.firing_rate: snnx.metric.firing_rate.FiringRate → null"),
        ("set: [neuron=if]", "set: [neuron=if, quantization=symmetric]", "quantization: null → "),
        ("set: [neuron=if]", "set: [neuron=if, matmul=high]", "matmul: null → high"),
        (
            "set: [neuron=if]",
            "set: [neuron=if, trainer.accumulate_grad_batches=4]",
            "trainer.accumulate_grad_batches: null → 4",
        ),
        ("timesteps: 6", "timesteps: 6\nmethod: {early: {timesteps: 2, epochs: 0.5}}", "method.early.timesteps: null → 2"),
        ("timesteps: 6\nmethod: {early: {timesteps: 2, epochs: 0.5}}", "timesteps: 6", "method.early.timesteps: 2 → null"),
        (
            "timesteps: 6",
            "timesteps: 6\ndefaults: [{override /attention: [tasa]}, {override /backbone: spikformer}]",
            "attention.temporal: ",
        ),
        ("timesteps: 6", "timesteps: 6\ndefaults: [{override /recipe: dta_mnist}]", "dataset: "),
    ],
)
def test_a_change_that_gives_another_identity_is_named(tmp_path, monkeypatch, before, after, named):
    monkeypatch.chdir(tmp_path)
    written(
        tmp_path,
        FILE.replace("timesteps: 6", before) if before.startswith("timesteps") else FILE.replace("set: [neuron=if]", before),
    )
    old = result("row=A")
    sweep = written(
        tmp_path,
        FILE.replace("timesteps: 6", after) if after.startswith("timesteps") else FILE.replace("set: [neuron=if]", after),
    )
    new = result("row=A")
    assert old["physics"] != new["physics"]
    found = ChangedRows(sweep).changes(old)
    assert [text for text in found if text.startswith(named)], found
    assert ChangedRows(sweep).changes(new) == []


@pytest.mark.parametrize(
    ("path", "before", "after", "named"),
    [
        ("conf/neuron/mine.yaml", "tau: 2.0", "tau: 4.0", ["neuron.tau: 2.0 → 4.0"]),
        ("conf/recipe/ours.yaml", "lr: 0.1", "lr: 0.2", ["optimizer.lr: 0.1 → 0.2"]),
    ],
)
def test_an_option_or_a_recipe_of_the_user_that_was_edited_is_named(tmp_path, monkeypatch, path, before, after, named):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "conf/neuron/mine.yaml", "_target_: snnx.neuron.lif.LIF\n_partial_: true\ntau: 2.0\nv_threshold: 1.0\n")
    write(
        tmp_path, "conf/recipe/ours.yaml", "# @package _global_\ndefaults: [{override /neuron: mine}]\noptimizer: {lr: 0.1}\n"
    )
    sweep = written(tmp_path, HEAD + "defaults: [{override /recipe: ours}]\nrows: {A: {set: [timesteps=2]}}\n")
    old = result("row=A")
    file = tmp_path / path
    file.write_text(file.read_text().replace(before, after))
    assert ChangedRows(sweep).changes(old) == named


@pytest.mark.parametrize(
    ("files", "set_", "words"),
    [
        ({}, "[neuron=if, neuron.v_threshold=0.7]", ["timesteps=3"]),
        ({}, "[neuron=lif, 'neuron.tau=${timesteps}']", []),
        ({}, "['backbone.channels=[4, 8]']", []),
        ({}, "['trainer.precision=bf16-mixed', 'optimizer.lr=1e-3', 'scheduler.warmup=.5']", []),
        ({}, "['optimizer.weight_decay=0', 'dataset.validation=0.10', 'seed=3']", []),
        ({"conf/neuron/mine.yaml": "defaults: [lif, _self_]\nv_threshold: 0.7\n"}, "[neuron=mine]", []),
        ({"conf/recipe/base.yaml": "# @package _global_\ndefaults: [{override /neuron: plif}]\n",
          "conf/recipe/mine.yaml": "# @package _global_\ndefaults: [base, _self_]\n"}, "[timesteps=2]", ["recipe=mine"]),
        ({"conf/recipe/mine.yaml": "# @package _global_\ndefaults: [{optional override /neuron: plif}]\n"}, "[timesteps=2]",
         ["recipe=mine"]),
        ({"conf/recipe/mine.yaml": "# @package _global_\nseed: 3\n"}, "[timesteps=2]", ["recipe=mine", "seed=1"]),
    ],
)  # fmt: skip
def test_a_run_of_the_present_files_is_never_called_changed(tmp_path, monkeypatch, files, set_, words):
    monkeypatch.chdir(tmp_path)
    for path, text in files.items():
        write(tmp_path, path, text)
    sweep = written(tmp_path, HEAD + f"rows: {{A: {{set: {set_}}}}}\n")
    assert ChangedRows(sweep).changes(result("row=A", *words)) == []


@pytest.mark.parametrize(
    "word",
    [
        "inf",
        "nan",
        "on",
        "No",
        "010",
        "1:30",
        "2020-01-01",
        "a\\\\,b",
        "a #b",
        "int(4.0)",
        "str(4)",
        "",
        "{a:1}",
        "[64,M,on]",
        "1_000",
        "0x10",
        "w.pt",
    ],
)
def test_words_that_yaml_reads_in_another_way_than_hydra_are_left_out(word):
    assert "backbone.name" in Stated({}).settings([f"backbone.name={word}"], []).unknown


@given(st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none(),
                 st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)))  # fmt: skip
def test_words_that_are_read_are_read_as_hydra_reads_them(value):
    word = "null" if value is None else str(value)
    stated = Stated({}).settings([f"backbone.name={word}"], [])
    hydras = OverridesParser.create().parse_override(f"backbone.name={word}").value()
    assert stated.values.get("backbone.name", hydras) == hydras
    assert type(stated.values.get("backbone.name", hydras)) is type(hydras)


def test_a_row_that_is_no_longer_in_the_file_and_a_result_without_physics_give_nothing(tmp_path):
    rows = ChangedRows(written(tmp_path, FILE))
    assert rows.changes({"row": "C", "physics": {"timesteps": 4}}) == []
    assert rows.changes({"row": "A"}) == []


def test_a_run_that_a_sweep_computed_is_not_compared_with_the_files_alone(tmp_path, outputs, docs, leave, done, monkeypatch):
    """Its sweep file sets the epochs. A later command line sets the same number, so the run is done."""
    sweep = written(tmp_path, FILE.replace("timesteps: 6", "trainer: {max_epochs: 1}"))
    monkeypatch.chdir(tmp_path)
    shared = done("A", 0, 0.8, sweep="fig", physics=result("row=A")["physics"], overrides=[])
    leave("fig", "A,seed=0", shared)
    leave("single", "neuron=if,trainer.max_epochs=1,seed=0", shared)
    for one in (sweep, sweep_named("single")):
        (run,) = collect(one.name, outputs, docs)
        assert ChangedRows(one).changes(run.result) == []
    alone = {"sweep": None, "physics": shared["physics"], "overrides": ["neuron=if"]}
    assert ChangedRows(sweep_named("single")).changes(alone) == ["trainer.max_epochs: 1 → 10"]


@pytest.mark.parametrize("defaults", ["[{override /recipe: [dta_mnist]}]", "[{override /scale: {a: b}}]", "3", "[[neuron]]"])
def test_defaults_of_another_form_state_nothing(defaults):
    assert Stated({"defaults": yaml.safe_load(defaults), "timesteps": 6}).settings([], []).values == {}


def test_status_names_them(tmp_path, outputs, docs, leave, done, monkeypatch, capsys):
    written(tmp_path, FILE)
    monkeypatch.chdir(tmp_path)
    for seed, tau in enumerate((2.0, 3.0)):
        leave("fig", f"B,seed={seed}", done("B", seed, 0.8, physics={"neuron": {"tau": tau}}))
    assert status.main(["fig", "--outputs", str(outputs), "--docs", str(docs)]) == 0
    line = "1 of 2 results have other settings than the files now give, as B, seed 0, small: neuron.tau: 2.0 → 3; run the sweep"
    out = capsys.readouterr().out
    assert line in out
    assert "✓ 0.8000 ↻ │ ✓ 0.8000 " in out  # and the cell of seed 0 is marked


@pytest.mark.parametrize(
    ("codes", "number"),
    [
        (("now", "0123456789abcdef"), 2),
        (("0123456789abcdef", "fedcba9876543210"), 2),
        (("now", "now"), 1),
        (("0123456789abcdef",) * 2, 1),
    ],
)
def test_a_mean_over_two_codes_is_named_beside_a_claim(tmp_path, outputs, docs, leave, done, codes, number):
    sweep = written(tmp_path, FILE)
    lif = {"neuron": {"_target_": "snnx.neuron.lif.LIF", "tau": 3.0}}
    for seed, code in enumerate(codes):
        leave("fig", f"B,seed={seed}", done("B", seed, 0.8, physics=lif, code=digest(sources(lif)) if code == "now" else code))
    (line,) = (line for line in lines(["A", "B"], collect("fig", outputs, docs)) if line.row == "B")
    expected = {"B": f"is a mean over results of {number} different codes"} if number > 1 else {}
    assert Doubts(sweep).against({"B": line}) == expected

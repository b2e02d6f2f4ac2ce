"""Every sweep file is valid, and every row of it can be composed, built and run at the smallest scale."""

import itertools
from functools import cache

import pytest
import torch
from composing import composed, composed_together

from snnx.options import sweepfile
from snnx.options.files import is_group
from snnx.options.stated import Stated
from snnx.record.identity import leaves, physics
from snnx.report.data.changed_rows import ChangedRows
from snnx.report.data.claim import read as read_claims
from snnx.run.build import build_data, build_method
from snnx.run.component import component
from snnx.run.signature import check_signatures

SWEEPS = [sweepfile.read(sweepfile.find(name)) for name in sweepfile.names()]
ROWS = [(sweep, row) for sweep in SWEEPS for row in sweep.live]


@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda s: s.name)
def test_header_and_claims(sweep):
    """Line 2 of the comment at the top has the command, the name starts with the paper's tag, and claims name existing rows."""
    assert f"snnx -m sweep={sweep.name}" in sweep.title.splitlines()[1]
    assert sweep.name.startswith(f"{sweep.paper}_")
    read_claims(sweep)
    params = sweep.body["hydra"]["sweeper"]["params"]
    assert all(isinstance(values, str) for values in params.values()), "a list would be a single value, not several jobs"


@cache
def smallest(sweep):
    """The jobs of a sweep's rows at the smallest scale, by row."""
    rows = [row.label for row in sweepfile.read(sweepfile.find(sweep)).live]
    return dict(zip(rows, composed_together([f"sweep={sweep}", "scale=smoke"], [[f"row={row}"] for row in rows]), strict=True))


@pytest.mark.parametrize(("sweep", "row"), ROWS, ids=lambda x: getattr(x, "label", None) or x.name)
def test_row_is_built_and_runs(sweep, row):
    run = smallest(sweep.name)[row.label]
    assert (run.sweep, run.row) == (sweep.name, row.label)
    check_signatures(run.config)
    data = build_data(run.config)
    method = build_method(run.config, data)
    images = torch.rand(2, *data.sample_shape)
    scores, loss = method.scores_and_loss(images, torch.tensor([0, 1]))
    assert scores.shape == (2, data.classes)
    loss.backward()


@pytest.mark.parametrize(("sweep", "row"), ROWS, ids=lambda x: getattr(x, "label", None) or x.name)
def test_files_state_what_hydra_composes(sweep, row):
    """Reports find out without Hydra which settings a row has now; every key of a run is known unless it refers to others."""
    run = smallest(sweep.name)[row.label]
    result = {"row": row.label, "physics": physics(run.config), "overrides": run.overrides}
    assert ChangedRows(sweep).changes(result) == []
    stated = Stated(sweep.body).settings(row.overrides, run.overrides)
    assert {key.partition(".")[0] for key, _ in leaves(result["physics"]) if is_group(key.partition(".")[0])} <= stated.groups


def test_rows_of_a_sweep_are_different_runs():
    for sweep in SWEEPS:
        runs = smallest(sweep.name).values()
        for a, b in itertools.combinations(runs, 2):
            assert a.id != b.id, f"{sweep.name}: {a.row} and {b.row} are the same run"


def test_four_figures_share_their_baseline_run():
    """The rows with PLIF, rate coding and arctan are the same run."""
    rows = [
        ("dtst_fig10_neurons", "PLIF"),
        ("dtst_fig11_encodings", "Rate"),
        ("dtst_fig12_surrogates", "ArcTan"),
        ("dtst_fig14_17_metrics", "Baseline"),
    ]
    assert len({composed(f"sweep={sweep}", f"row={row}").id for sweep, row in rows}) == 1


def test_surrogate_widths_are_named_by_the_slope_at_the_threshold():
    sweep = sweepfile.read(sweepfile.find("dtst_surrogate_widths"))
    for row in sweep.live:
        x = torch.zeros(1, requires_grad=True)
        component(smallest(sweep.name)[row.label].config, "surrogate")(x).sum().backward()
        assert x.grad.item() == pytest.approx({"05": 0.5}.get(label := row.label.split("_")[1]) or float(label))


def test_tables_of_ds2ta_share_their_runs():
    """All rows of Table 3 are rows of Table 4 too."""
    for row in ("C10_Spikformer", "C10_DS2TA", "C100_Spikformer", "C100_DS2TA"):
        assert (
            composed("sweep=ds2ta_table3_sparsity", f"row={row}").id == composed("sweep=ds2ta_table4_ablation", f"row={row}").id
        )


BAD = {
    "rows: {A: {set: [neuron=if]}}": "must be a mapping with the key sweep",
    "sweep: {paper: p, artifact: a, metric: m, colour: red}": r"keys of sweep must be among .*; got colour$",
    "sweep: {paper: p}": r"sweep must name \['artifact', 'metric'\]",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {4: {set: [seed=1]}}": "a row's label must match .*; got 4",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {sett: [seed=1]}}": (
        r"row A: keys must be among cited, .*, test_samples; got sett; did you mean set\?$"
    ),
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: [seed=1]}": r"row A: must be a mapping with keys among cited, ",
    "sweep: {paper: p, artifact: a, metric: m}\nrow: {A: {set: [seed=1]}}": (
        r"the rows must be below the key rows; got row; did you mean rows\?$"
    ),
    "sweep: {paper: p, artifact: a, metric: m, factors: seed}": (
        r"keys of sweep must be among artifact, .*, unit; got factors; did you mean factor\?$"
    ),
    "sweep: {papr: p, artifact: a, metric: m}": r"keys of sweep must be among .*; got papr; did you mean paper\?$",
    "sweep: {paper: p, artifact: a, metric: m, claim: A > B}": r"; got claim; did you mean claims\?$",
    "sweep: {paper: p, artifact: a, metric: m, factor: 'norm, seed'}\nrows: {A: {set: [norm=batch, seed=1]}}": (
        r"factor must be a group or key that a row sets; got norm, seed: write \[norm, seed\]$"
    ),
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {set: {norm: mytdbn, compile: null}}}": (
        r"row A: set must be a list of key=value; got {.*}: write \[norm=mytdbn, compile=null\]$"
    ),
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {set: norm=batch}}": r"; got norm=batch: write \[norm=batch\]$",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {reported: 1}}": "row A: must have either set .* or cited",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {set: [seed]}}": r"row A: set must be a list of key=value",
    "sweep: {paper: p, artifact: a, metric: m, claims: [{metric: x}]}": "a claim must be a text, or have the key",
    "sweep: {paper: p, artifact: a, metric: m, reference: B}\nrows: {A: {set: [seed=1]}, B: {cited: b}}": (
        "reference must be a row that is run, among A; got B"
    ),
    "sweep: {paper: p, artifact: a, metric: m, break_even: A}\nrows: {B: {set: [seed=1]}}": (
        "break_even must be a row that is run, among B; got A"
    ),
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {set: [budget.width=0.5]}}": (
        r"row A: set must not change budget, which the scale of all rows sets; got budget.width=0.5: write it in the command"
    ),
    "sweep: [": "must be YAML",
    "sweep: {paper: p, artifact: a, metric: m}\ndefaults: [override neuron: if]": "as in override /neuron; got override n",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: [A]": r"rows must be a mapping from labels to rows; got \['A'\]",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {set: [seed=1]}, A: {set: [seed=2]}}": (
        "must be YAML; the key A occurs twice in line 2, column 28$"
    ),
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {set: }}": "row A: set must be a list of key=value; got None",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {set: [seed=1], reported: abc}}": "reported must be a finite number",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {cited: b, std: -1}}": "std must be a finite number >= 0; got -1",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {cited: b, n: true}}": "row A: n must be an integer > 0; got True",
    "sweep: {paper: p, artifact: a, metric: m}\nrows: {A: {cited: b, test_samples: 0}}": "test_samples must be an integer > 0",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[-24:])
def test_mistakes_in_a_sweep_file_are_one_line(tmp_path, text):
    path = tmp_path / "p_x.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=BAD[text]) as caught:
        sweepfile.read(path)
    assert str(caught.value).startswith("p_x.yaml: ")
    assert "\n" not in str(caught.value)

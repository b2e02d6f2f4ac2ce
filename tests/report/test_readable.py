"""A sweep with more rows than a person can tell apart: figures show some rows, and say which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnx.options.sweepfile import sweep_named
from snnx.report.data.lines import Line, lines
from snnx.report.data.run import Run
from snnx.report.data.runs import collect
from snnx.report.figures import tradeoff
from snnx.report.figures.axes import styles
from snnx.report.figures.readable import DRAWN, MANY, readable
from snnx.report.pages.html import page
from snnx.report.pages.markdown import document
from snnx.report.results import work_out

SINGLE = sweep_named("single")  # its metric is test/acc


def remark_for(metric: str) -> str:
    return f"{DRAWN} of 40 rows are drawn, at evenly spaced ranks from the lowest mean {metric} to the highest"


def line(row: str, *values: float | None, scale: str = "small") -> Line:
    runs = (
        Run(row, seed, scale, "", f"{row}{seed}", "done", {"metrics": {"test/acc": value}}, True)
        for seed, value in enumerate(values)
    )
    return Line(row, row, scale, tuple(runs))


@given(st.lists(st.floats(0, 1) | st.none(), max_size=3 * MANY))
def test_ranks_are_evenly_spaced(values):
    found = [line(f"R{index}", value) for index, value in enumerate(values)]
    shown, remark = readable(SINGLE, found)
    assert len(shown) == (DRAWN if len(values) > MANY else len(values))
    assert bool(remark) == (len(values) > MANY)
    assert [one for one in found if one in shown] == shown, "the order of the table"
    ranked = sorted(-1.0 if value is None else value for value in values)
    drawn = sorted(-1.0 if one.runs[0].result["metrics"]["test/acc"] is None else one.runs[0].result["metrics"]["test/acc"]
                   for one in shown)  # fmt: skip
    if remark:
        expected = [ranked[round(step * (len(ranked) - 1) / (DRAWN - 1))] for step in range(DRAWN)]
        assert drawn == expected
        assert (drawn[0], drawn[-1]) == (ranked[0], ranked[-1])
        assert len(set(styles([one.label for one in shown]).values())) == DRAWN, "no two rows look alike"


def test_a_row_is_drawn_at_every_scale():
    found = [line(f"R{index}", index / 40, scale=scale) for index in range(40) for scale in ("paper", "small")]
    shown, remark = readable(SINGLE, found)
    assert remark == remark_for("test/acc")
    assert [one.scale for one in shown] == ["paper", "small"] * DRAWN


def test_seeds_count_by_their_mean():
    """Row R39 has the lowest mean, although one of its seeds has the highest value."""
    found = [*(line(f"R{index}", 0.5 + index / 100) for index in range(39)), line("R39", 0.99, 0.0)]
    shown, _ = readable(SINGLE, found)
    assert "R39" in {one.row for one in shown}
    assert {one.row for one in readable(SINGLE, found[:39])[0]} >= {"R0", "R38"}


def test_rows_without_a_done_run_do_not_count():
    open_ = [Line(f"O{index}", f"O{index}", "", ()) for index in range(40)]
    found = [*open_, *(line(f"R{index}", 0.5) for index in range(MANY))]
    assert readable(SINGLE, found) == (found, "")


@pytest.fixture
def forty(leave, done, sweep, outputs, docs):
    """Forty rows with an accuracy and an energy; the most accurate ones are cheap, except one whose rank is not drawn."""
    for index in range(40):
        metrics = {"val/acc": index / 40, "test/acc": index / 40, "test/energy_45nm_uj": 100.0 - index}
        if index == 20:
            metrics["test/energy_45nm_uj"] = 0.5
        leave("fig", f"R{index},seed=0,scale=small", done(f"R{index}", 0, 0.8, metrics=metrics))
    return collect("fig", outputs, docs)


def test_pictures_and_pages_say_what_is_drawn(forty, sweep):
    results, remark = work_out(sweep, forty), remark_for("val/acc")
    assert len(results.plots) >= 2
    for plot in results.plots:
        assert plot.caption.endswith(remark)
        assert plot.figure.get_supxlabel() == remark
        assert remark in page(results)
        assert remark in document(results)
    assert len(results.lines) == 42, "the tables have all rows, and the two of the sweep file that have no run"


def test_the_pareto_front_is_that_of_all_rows(forty, sweep):
    all_lines = lines([], forty)
    shown, _ = readable(sweep, all_lines)
    assert "R20" not in {one.row for one in shown}, "choose another row"
    fronts = []
    for compared in ((), all_lines):
        plot = next(plot for plot in tradeoff.draw(sweep, shown, compared) if plot.name == "energy_accuracy")
        (front,) = (drawn for drawn in plot.figure.axes[0].get_lines() if drawn.get_label() == "front")
        fronts.append(list(front.get_xdata()))
        assert plot.caption.endswith("the Pareto front of all rows" if compared else "the Pareto front")
    assert 0.5 in fronts[1]
    assert 0.5 not in fronts[0]

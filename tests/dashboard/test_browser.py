"""The dashboard in a real browser: legible at two widths and in both colour schemes, interactive, and without errors."""

import pytest
from browsing import needs_chromium, use

from snnx.dashboard.page import page
from snnx.report.data.runs import collect
from snnx.report.results import work_out

pytestmark = [pytest.mark.slow, needs_chromium]

ACT = """
const found = {};
const named = (row) => row.cells[0].textContent + row.cells[1].textContent;
const names = () => [...document.querySelectorAll("table.runs tbody tr")].map(named);
const legend = () => [...document.querySelectorAll("#curves .legend button")].map((button) => button.textContent);
const lines = () => document.querySelectorAll("#curves path.mean").length;
const head = (title) => [...document.querySelectorAll("table.runs thead button")].find((found) => found.textContent === title);
found.dark = matchMedia("(prefers-color-scheme: dark)").matches;
found.ink = getComputedStyle(document.body).color;
found.beyond = document.documentElement.scrollWidth - innerWidth;
found.drawn = document.querySelector("#curves svg").getBoundingClientRect().right <= innerWidth;
found.last = legend();
found.lines = [lines()];
document.querySelector("#curves .legend button").click();
found.lines.push(lines());
found.pressed = document.activeElement.getAttribute("aria-pressed");
document.querySelector("#curves .legend button").click();
const svg = document.querySelector("#curves svg"), box = svg.getBoundingClientRect();
svg.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + 60, clientY: box.top + 50 }));
found.first = legend();
svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
found.second = legend();
found.order = [names()];
head("val/acc").click();
found.order.push(names());
head("val/acc").click();
found.order.push(names());
found.sorted = head("val/acc").parentElement.getAttribute("aria-sort");
const metric = document.querySelector("#curves .metric");
found.metrics = [...metric.options].map((option) => option.value);
metric.value = "train/loss";
metric.onchange();
found.title = document.querySelector("#curves svg").getAttribute("aria-label");
found.layers = document.querySelector("#layers svg").getAttribute("aria-label");
found.kept = JSON.parse(sessionStorage.getItem("snnx fig")).metric;
found.complaints = complaints;
document.getElementById("found").textContent = JSON.stringify(found);
"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_page_is_legible_and_interactive(width, dark, sweep, leave, done, outputs, docs):
    layers = {"firing_rate": {"test": {"sn1": [0.1, 0.3], "sn2": [0.4, 0.4]}}}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, layers=layers))
    leave("fig", "A,seed=1,scale=small", done("A", 1, 0.7, layers=layers))
    leave("fig", "B,seed=0,scale=small", done("B", 0, 0.75, curves={"val/acc": [0.25, 0.75], "train/loss": [2.0, 1.0]}))
    text = page(work_out(sweep, collect("fig", outputs, docs)), outputs, live=False)
    found, log = use(text, ACT, outputs / "fig" / "dashboard.html", width, dark)
    assert found["complaints"] == []
    assert "CONSOLE" not in log
    assert found["dark"] is dark
    assert found["ink"] == ("rgb(228, 232, 236)" if dark else "rgb(29, 34, 40)")
    assert found["beyond"] <= 0
    assert found["drawn"]
    assert found["last"] == ["A0.75 (n=2)", "B0.75"]
    assert found["first"] == ["A0.5 (n=2)", "B0.25"]
    assert found["second"] == found["last"]
    assert (found["lines"], found["pressed"]) == ([2, 1], "false")
    assert found["order"] == [["A0", "A1", "B0", "B1"], ["A1", "B0", "A0", "B1"], ["A0", "B0", "A1", "B1"]]
    assert found["sorted"] == "descending"
    assert found["metrics"] == ["val/acc", "train/loss"]
    assert (found["title"], found["layers"]) == ("train/loss by epoch", "firing_rate by layer")
    assert found["kept"] == {"curves": "train/loss"}

"""The HTML report in a real browser: legible at two widths and in both colour schemes, sortable, without errors or network."""

import re

import pytest
from browsing import needs_chromium, use

from snnx.report.data.runs import collect
from snnx.report.pages.html import page
from snnx.report.results import work_out

pytestmark = [pytest.mark.slow, needs_chromium]

ACT = """
const tables = [...document.querySelectorAll("table")], images = [...document.querySelectorAll("img")];
const table = tables[0], ours = [...table.tHead.rows[0].cells].find((cell) => cell.textContent.startsWith("ours"));
const order = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent).join(" ");
const orders = [order()];
for (const _ of [1, 2]) { ours.querySelector("button").click(); orders.push(order()); }
const found = {
  complaints,
  orders,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  ink: getComputedStyle(document.body).color,
  beyond: document.documentElement.scrollWidth - innerWidth,
  size: parseFloat(getComputedStyle(document.querySelector("td")).fontSize),
  reachable: tables.every((table) => getComputedStyle(table.parentElement).overflowX === "auto"),
  scrolled: images.every((image) => getComputedStyle(image.parentElement).overflowX === "auto"),
  shrunk: images.map((image) => image.complete && image.getBoundingClientRect().width / image.naturalWidth),
};
document.getElementById("found").textContent = JSON.stringify(found);
"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_page_is_legible_and_sorts(width, dark, sweep, leave, done, outputs, docs):
    for seed, accuracy in enumerate((0.8, 0.7)):
        layers = {"firing_rate": {"test": {"sn1": [0.1, 0.3], "sn2": [0.4, 0.4]}}}
        leave("fig", f"A,seed={seed},scale=small", done("A", seed, accuracy, layers=layers))
        leave("fig", f"B,seed={seed},scale=small", done("B", seed, accuracy / 2))
    text = page(work_out(sweep, collect("fig", outputs, docs)))
    assert not re.search(r'(src|href)="(?!data:|#)', text), "the page must not refer to other files"
    found, log = use(text, ACT, outputs / "fig" / "report.html", width, dark)
    assert found["complaints"] == []
    assert found["orders"] == ["A B C", "B A C", "A B C"], "numbers sort in both directions; C has no number and stays last"
    assert "CONSOLE" not in log
    assert (found["dark"], found["ink"]) == (dark, "rgb(228, 232, 236)" if dark else "rgb(29, 34, 40)")
    assert found["beyond"] <= 0
    assert found["size"] >= 12
    assert found["reachable"], "tables wider than the screen must scroll"
    assert found["scrolled"]
    assert found["shrunk"]
    assert min(found["shrunk"]) >= 0.59, "pictures must not become so small that their letters cannot be read"

"""The dashboard of a sweep as one self-contained HTML file: the report with interactive charts, also while the sweep runs."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from snnx.dashboard.chart_data import chart_data, curves
from snnx.dashboard.run_table import counts, runs
from snnx.report.board import boards
from snnx.report.pages import html as report
from snnx.report.results import Results
from snnx.report.tables.numbers import metrics

HERE = Path(__file__).parent
RELOAD_S = 5  # seconds after which the browser reloads the page of a running sweep


def page(results: Results, outputs: Path, live: bool) -> str:
    """Write the whole page as HTML.

    Args:
        results: the results of the sweep.
        outputs: the folder of all runs; the values of runs without a result are read from it.
        live: whether the sweep is running, so that the file will be written again and the browser has to reload it.
    """
    found = boards(results.sweep, list(results.runs))
    latest = {run.hash: _last(curves(run, outputs)) for run in results.runs if not run.result}
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    age = f"as of {now}; the page reloads every {RELOAD_S} s" if live else f"as of {now}"
    body = [*report.heading(results), *map(counts, found), f'<p class="rule">{age}</p>']
    body += [
        *_chart("curves", "Curves", "Thin lines are seeds, thick lines their mean. A dotted line is the paper's number."),
        "<h2>Runs</h2>",
        runs(found, metrics(results.sweep), latest),
        *report.comparison(results, results.tables),
        *_chart(
            "layers", "Spiking metrics by layer", "Means over time steps, on the test set; thick lines are means over seeds."
        ),
        *report.failures(results),
        *report.provenance(results),
        f'<script type="application/json" id="content">{chart_data(results, outputs)}</script>',
        *map(report.script, (report.SORT, HERE / "chart.js", HERE / "dashboard.js")),
    ]
    head = f'<meta http-equiv="refresh" content="{RELOAD_S}">\n' if live else ""
    style = report.STYLE.read_text(encoding="utf-8") + (HERE / "dashboard.css").read_text(encoding="utf-8")
    return report.html_file(results.sweep.name, body, style, head)


def _chart(name: str, title: str, caption: str) -> Sequence[str]:
    """The section of a chart; its script shows it if there is something to draw."""
    return [
        f'<section id="{name}" hidden><h2>{title}</h2>',
        '<div class="choices"><label>metric <select class="metric"></select></label>',
        '<label class="of-scale">scale <select class="scale"></select></label></div>',
        '<div class="chart"></div><ul class="legend"></ul>',
        f'<p class="rule">{caption}</p></section>',
    ]


def _last(found: dict[str, list[float | None]]) -> dict[str, float | None]:
    return {key: values[-1] for key, values in found.items() if values}

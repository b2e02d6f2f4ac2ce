"""A report as one HTML file that needs no other: to open in a browser, to attach to a mail."""

import base64
import struct
from collections.abc import Sequence
from html import escape
from pathlib import Path

from snnx.report.data.verdict import FAILS, HOLDS, OPEN, RULE
from snnx.report.pages.notes import reason, titled
from snnx.report.results import Results
from snnx.report.tables.table import Table

STYLE = Path(__file__).with_name("page.css")
SORT = Path(__file__).with_name("sort.js")
LEGIBLE = 0.6  # of a picture's own width, at which its smallest letters are 10 pixels high
VERDICT_CLASS = {HOLDS: "holds", FAILS: "fails", OPEN: "open"}


def page(results: Results) -> str:
    """The whole report as HTML."""
    body = headed(results)
    first, *others = results.tables
    body += [*compared(results, [first]), *_figures(results), *(part for table in others for part in _titled(table))]
    body += [*failures(results), *provenance(results), script(SORT)]
    return whole(results.sweep.name, body, STYLE.read_text(encoding="utf-8"))


def whole(title: str, body: Sequence[str], style: str, head: str = "") -> str:
    """An HTML file that needs no other.

    Args:
        title: for the browser's tab.
        body: its parts, as HTML.
        style: as CSS.
        head: further tags of the head.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{head}<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        "<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def headed(results: Results) -> list[str]:
    """What the sweep is, its command, and what to know before reading numbers."""
    body = [f"<h1>{escape(results.heading)}</h1>"]
    if results.command:
        body.append(f"<pre>{escape(results.command)}</pre>")
    if results.about:
        body.append(f"<p>{escape(results.about)}</p>")
    return body


def script(path: Path) -> str:
    """A script as part of the page."""
    return f"<script>\n{path.read_text(encoding='utf-8')}</script>"


def compared(results: Results, tables: Sequence[Table]) -> list[str]:
    """These tables, what a reader has to know of them, and the claims."""
    body = ["<p>Means are over seeds, ± is the sample standard deviation, <i>n</i> the number of seeds.</p>"]
    body += [part for table in tables for part in _titled(table)]
    body += _list(results.notes)
    if results.verdicts:
        body += ["<h2>Claims</h2>", _table(results.claims), f'<p class="rule">{escape(RULE)}</p>']
    return body


def _titled(table: Table) -> list[str]:
    return [f"<h2>{escape(table.title)}</h2>", _table(table), *_list(table.below)]


def _figures(results: Results) -> list[str]:
    figures = [_figure(plot.png, plot.caption) for plot in results.plots]
    return ["<h2>Figures</h2>", *figures] if figures else []


def provenance(results: Results) -> list[str]:
    """What the runs were made with."""
    facts = "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in results.provenance)
    return ["<h2>Provenance</h2>", f"<dl>{facts}</dl>"]


def _list(texts: Sequence[str]) -> list[str]:
    return ["<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"] if texts else []


def _table(table: Table) -> str:
    head = "".join(
        f'<th class="{side}" aria-sort="none"><button type="button">{escape(cell)}</button></th>'
        for cell, side in zip(table.columns, table.align, strict=True)
    )
    rows = []
    for row in table.rows:
        cells = (_cell(cell, side) for cell, side in zip(row, table.align, strict=True))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table class="compared"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _cell(text: str, side: str) -> str:
    verdict = VERDICT_CLASS.get(text)
    inner = f'<span class="{verdict}">{escape(text)}</span>' if verdict else escape(text)
    return f'<td class="{side}">{inner}</td>'


def _figure(png: bytes, caption: str) -> str:
    """Never so small that its labels cannot be read: a narrow screen scrolls it."""
    width, *_ = struct.unpack(">I", png[16:20])
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    drawn = f'<img style="min-width: {LEGIBLE * width:.0f}px" src="{source}" alt="{escape(caption)}">'
    return f"<figure>{drawn}<figcaption>{escape(caption)}.</figcaption></figure>"


def failures(results: Results) -> list[str]:
    """Each failure with its reason; the traceback, where this machine has it, is folded away."""
    failed = [run for line in results.lines for run in line.runs if run.state in ("failed", "diverged", "no data")]
    folded = []
    for run in failed:
        traceback = (run.result.get("error") or {}).get("traceback") or "no traceback on this machine"
        summary = escape(f"{titled(run)} {run.state}: {reason(run)}")
        folded.append(f"<details><summary>{summary}</summary><pre>{escape(traceback)}</pre></details>")
    return ["<h2>Failures</h2>", *folded] if folded else []

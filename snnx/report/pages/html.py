"""A report as one self-contained HTML file, which can be opened in a browser or attached to a mail."""

import base64
import struct
from collections.abc import Sequence
from html import escape
from pathlib import Path

from snnx.report.data.evidence import FAILS, HOLDS, OPEN
from snnx.report.data.verdict import RULE
from snnx.report.results import Results
from snnx.report.tables.table import Table

STYLE = Path(__file__).with_name("page.css")
SORT = Path(__file__).with_name("sort.js")
LEGIBLE = 0.6  # smallest width of a shown picture, as a fraction of its own: its smallest letters are then 10 pixels high
VERDICT_CLASS = {HOLDS: "holds", FAILS: "fails", OPEN: "open"}


def page(results: Results) -> str:
    """Write the whole report as HTML.

    Returns:
        The text of the file; styles, scripts and pictures are part of it.
    """
    body = heading(results)
    first, *others = results.tables
    body += [*comparison(results, [first]), *_figures(results), *(part for table in others for part in _section(table))]
    body += [*failures(results), *provenance(results, results.pictured), script(SORT)]
    return html_file(results.sweep.name, body, STYLE.read_text(encoding="utf-8"))


def html_file(title: str, body: Sequence[str], style: str, head: str = "") -> str:
    """Put the parts of a page together to an HTML file.

    Args:
        title: the title in the browser's tab.
        body: the parts of the body, as HTML.
        style: the style sheet, as CSS.
        head: further tags for the head, as HTML.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"{head}<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        "<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def heading(results: Results) -> list[str]:
    """The heading of a report: title, command, and the comment of the sweep file."""
    body = [f"<h1>{escape(results.heading)}</h1>"]
    if results.command:
        body.append(f"<pre>{escape(results.command)}</pre>")
    if results.about:
        body.append(f"<p>{escape(results.about)}</p>")
    return body


def script(path: Path) -> str:
    """Include a script in the page."""
    return f"<script>\n{path.read_text(encoding='utf-8')}</script>"


def comparison(results: Results, tables: Sequence[Table]) -> list[str]:
    """The given tables, the remarks below them, and the claims."""
    body = ["<p>Means are over seeds, ± is the sample standard deviation, <i>n</i> the number of seeds.</p>"]
    body += [part for table in tables for part in _section(table)]
    body += _list(results.notes)
    if results.verdicts:
        body += [f"<h2>{escape(results.claims.title)}</h2>", _table(results.claims), f'<p class="rule">{escape(RULE)}</p>']
    return body


def _section(table: Table) -> list[str]:
    return [f"<h2>{escape(table.title)}</h2>", _table(table), *_list(table.below)]


def _figures(results: Results) -> list[str]:
    figures = [_figure(plot.png, plot.caption) for plot in results.plots]
    body = [*figures, *_list(results.undrawn)]
    return ["<h2>Figures</h2>", *body] if body else []


def provenance(results: Results, pictured: Sequence[tuple[str, str]] = ()) -> list[str]:
    """How the runs were made: command, machine, versions, code and data."""
    facts = "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in [*results.provenance, *pictured])
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
    """A figure with a minimum width, so that its labels stay legible; a narrow screen scrolls it."""
    width, *_ = struct.unpack(">I", png[16:20])
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    drawn = f'<img style="min-width: {LEGIBLE * width:.0f}px" src="{source}" alt="{escape(caption)}">'
    return f"<figure>{drawn}<figcaption>{escape(caption)}.</figcaption></figure>"


def failures(results: Results) -> list[str]:
    """Each failed run with its error, and its traceback to unfold if it failed on this machine."""
    failed = [run for line in results.lines for run in line.runs if run.state in ("failed", "diverged", "no data")]
    folded = []
    for run in failed:
        traceback = (run.result.get("error") or {}).get("traceback") or "no traceback on this machine"
        summary = escape(f"{run.title} {run.state}: {run.reason}")
        folded.append(f"<details><summary>{summary}</summary><pre>{escape(traceback)}</pre></details>")
    return ["<h2>Failures</h2>", *folded] if folded else []

"""The tables of a report in LaTeX, to include in a paper."""

from snnx.report.results import Results
from snnx.report.tables.table import Table

ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$",
    "±": r"$\pm$", "\u00d7": r"$\times$", "µ": r"\textmu{}",
}  # fmt: skip


def document(results: Results) -> str:
    """Write every table of the report, and that of the claims, as a `table` environment; needs the package booktabs.

    The label of each is `tab:SWEEP-NUMBER`, counted from 1.
    """
    tables = [*results.tables, *([results.claims] if results.verdicts else [])]
    parts = [f"% {results.command.strip() or results.heading}\n% \\usepackage{{booktabs}}"]
    parts += [latex(table, f"tab:{results.sweep.name}-{number}") for number, table in enumerate(tables, start=1)]
    return "\n\n".join(parts) + "\n"


def latex(table: Table, label: str) -> str:
    r"""Format a table with booktabs.

    Example:
        >>> print(latex(Table("test/acc, %", ("row", "ours"), "lr", (("A_1", "91.0 ± 0.2"),)), "tab:x"))
        \begin{table}
        \centering
        \caption{test/acc, \%}
        \label{tab:x}
        \begin{tabular}{lr}
        \toprule
        row & ours \\
        \midrule
        A\_1 & 91.0 $\pm$ 0.2 \\
        \bottomrule
        \end{tabular}
        \end{table}
    """

    def line(cells: tuple[str, ...]) -> str:
        return " & ".join(map(escaped, cells)) + r" \\"

    notes = [f"\\par\\smallskip {escaped(text)}" for text in table.below]
    return "\n".join([
        r"\begin{table}", r"\centering", f"\\caption{{{escaped(table.title)}}}", f"\\label{{{label}}}",
        f"\\begin{{tabular}}{{{table.align}}}", r"\toprule", line(table.columns), r"\midrule", *map(line, table.rows),
        r"\bottomrule", r"\end{tabular}", *notes, r"\end{table}",
    ])  # fmt: skip


def escaped(text: str) -> str:
    """Replace the characters that LaTeX reads as commands.

    Example:
        >>> print(escaped("50 % of a_b"))
        50 \\% of a\\_b
    """
    return "".join(ESCAPED.get(letter, letter) for letter in text)

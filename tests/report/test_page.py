"""The HTML page is well-formed and self-contained, and escapes error messages."""

from dataclasses import replace
from html.parser import HTMLParser

from snnx.report.data.runs import collect
from snnx.report.pages.html import page
from snnx.report.pages.markdown import document
from snnx.report.results import work_out

VOID = {"meta", "img", "br"}


class Balance(HTMLParser):
    """Checks that tags are closed in order, and collects the opened tags and the links."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.sources = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_escapes_errors(sweep, leave, done, outputs, docs):
    error = {"type": "Bad<b>", "message": "<script>alert(1)</script> & 'x'", "traceback": 'File "<stdin>", line 1'}
    leave("fig", "A,seed=0,scale=small", done("A", 0, 0.8, command="snnx 'a<b'"))
    leave("fig", "A,seed=1,scale=small", done("A", 1, None, status="failed", error=error))
    text = page(work_out(sweep, collect("fig", outputs, docs)))
    parsed = Balance()
    parsed.feed(text)
    assert parsed.open == []
    assert parsed.seen.count("script") == 1, "only the script that sorts tables, none from an error message"
    assert parsed.seen.count("details") == 1
    assert all(source.startswith("data:image/png;base64,") for source in parsed.sources)
    for escaped in (
        "Bad&lt;b&gt;: &lt;script&gt;",
        "File &quot;&lt;stdin&gt;&quot;, line 1",
        "snnx &#x27;a&lt;b&#x27;",
    ):
        assert escaped in text
    assert "prefers-color-scheme: dark" in text


def test_a_failure_from_the_record_has_no_traceback(sweep, leave, done, outputs, docs):
    leave("fig", "A,seed=0", done("A", 0, None, status="diverged", error=None))
    text = page(work_out(sweep, collect("fig", outputs, docs)))
    assert "A, seed 0, small diverged: no reason recorded" in text
    assert "no traceback on this machine" in text


def test_only_the_command_in_the_sweep_comment_is_shown_as_code(sweep):
    commented = replace(sweep, title="Figure 1.\n  snnx -m sweep=fig   (two hours)\nRows a* and b*\nare <ours>.")
    results = work_out(commented, [])
    assert document(results).startswith(
        "# Figure 1.\n\n```\nsnnx -m sweep=fig   (two hours)\n```\n\nRows a\\* and b\\* are &lt;ours>.\n\n"
    )
    assert "<pre>snnx -m sweep=fig   (two hours)</pre>\n<p>Rows a* and b* are &lt;ours&gt;.</p>" in page(results)

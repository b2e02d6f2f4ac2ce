"""Opens pages in headless Chromium, with a given width and colour scheme."""

import json
import os
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
NARROWEST = 500  # smallest width of Chromium's window; a page for a narrower screen is put into a frame

LOOK = """
<script>
const complaints = [];
addEventListener("error", (event) => complaints.push(String(event.message)));
console.error = console.warn = (...words) => complaints.push(words.join(" "));
</script>
"""


def use(text: str, act: str, path: Path, width: int, dark: bool) -> tuple[dict, str]:
    """Open a page, run a script in it, and return what the script found and the browser's log.

    Args:
        text: the page as HTML.
        act: a script that writes JSON into the element `#found`; its variable `complaints` lists errors and warnings.
        path: the file to write the page to.
        width: width of the screen in pixels.
        dark: whether the user prefers a dark colour scheme.
    """
    act = f'<pre id="found"></pre>\n<script>\n{act}</script>\n'
    path.write_text(text.replace("<title>", LOOK + "<title>").replace("</body>", act + "</body>"))
    return (_framed if width < NARROWEST else _browse)(path, width, dark)


def _browse(path: Path, width: int, dark: bool) -> tuple[dict, str]:
    """The JSON in the element `#found` of the page, and the browser's log."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--allow-file-access-from-files"]
    options += [f"--user-data-dir={path.parent}/user", f"--window-size={width},900", "--virtual-time-budget=2000"]
    options += ["--force-dark-mode"] if dark else []
    words = [CHROMIUM, *options, "--dump-dom", f"file://{path}"]
    home = {**os.environ, "HOME": str(path.parent), "XDG_CONFIG_HOME": str(path.parent)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True, env=home)
    text = done.stdout.partition('<pre id="found">')[2].partition("</pre>")[0]
    return json.loads(unescape(text)), done.stderr


def _framed(path: Path, width: int, dark: bool) -> tuple[dict, str]:
    """As `_browse`, in a frame of that width, because Chromium's window cannot be as narrow as a phone."""
    outer = path.with_name("frame.html")
    outer.write_text(
        f'<body><iframe id="inner" width="{width}" height="800" src="{path.name}"></iframe><pre id="found"></pre><script>'
        'addEventListener("load", () => { document.getElementById("found").textContent = '
        'document.getElementById("inner").contentDocument.getElementById("found").textContent; });</script></body>'
    )
    return _browse(outer, 700, dark)

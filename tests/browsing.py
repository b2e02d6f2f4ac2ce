"""Pages in headless Chromium, as wide as asked for and in either colour scheme."""

import json
import os
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
NARROWEST = 500  # window of Chromium; a page for a narrower screen is put into a frame

LOOK = """
<script>
const complaints = [];
addEventListener("error", (event) => complaints.push(String(event.message)));
console.error = console.warn = (...words) => complaints.push(words.join(" "));
</script>
"""


def use(text: str, act: str, path: Path, width: int, dark: bool) -> tuple[dict, str]:
    """What the page `text` says of itself after the script `act` has used it, and the browser's log.

    Args:
        text: the whole page.
        act: a script that leaves JSON in `#found`; `complaints` there holds what the page complained of.
        path: where the page is put.
        width: of the screen, in pixels.
        dark: whether the user prefers dark pages.
    """
    act = f'<pre id="found"></pre>\n<script>\n{act}</script>\n'
    path.write_text(text.replace("<title>", LOOK + "<title>").replace("</body>", act + "</body>"))
    return (_framed if width < NARROWEST else _browse)(path, width, dark)


def _browse(path: Path, width: int, dark: bool) -> tuple[dict, str]:
    """What the page says of itself after it has been used, and the browser's log."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--allow-file-access-from-files"]
    options += [f"--user-data-dir={path.parent}/user", f"--window-size={width},900", "--virtual-time-budget=2000"]
    options += ["--force-dark-mode"] if dark else []
    words = [CHROMIUM, *options, "--dump-dom", f"file://{path}"]
    home = {**os.environ, "HOME": str(path.parent), "XDG_CONFIG_HOME": str(path.parent)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True, env=home)
    text = done.stdout.partition('<pre id="found">')[2].partition("</pre>")[0]
    return json.loads(unescape(text)), done.stderr


def _framed(path: Path, width: int, dark: bool) -> tuple[dict, str]:
    """As `_browse`, in a frame of that width, since no window of Chromium is as narrow as a telephone."""
    outer = path.with_name("frame.html")
    outer.write_text(
        f'<body><iframe id="inner" width="{width}" height="800" src="{path.name}"></iframe><pre id="found"></pre><script>'
        'addEventListener("load", () => { document.getElementById("found").textContent = '
        'document.getElementById("inner").contentDocument.getElementById("found").textContent; });</script></body>'
    )
    return _browse(outer, 700, dark)

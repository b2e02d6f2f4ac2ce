"""The guides to what ships can be typed in a checkout of its own, and the README names all guides."""

import re
import shutil

import pytest
from following import ROOT, follow

GUIDES = ("first_sweep", "spiking_metrics")
LINK = re.compile(r"\]\(([\w./]+)(?:#[\w-]+)?\)")


@pytest.fixture
def checkout(tmp_path):
    for part in ("snnx", "conf", "sweeps", "hydra_plugins"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES)
def test_it_can_be_followed(guide, checkout):
    follow(guide, checkout, package=checkout)


def test_the_readme_names_each_guide():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "guides").glob("*.md"):
        assert f"docs/guides/{path.name}" in text, path.name


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "guides").glob("*.md")), ids=lambda path: path.stem)
def test_its_links_lead_somewhere(path):
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link

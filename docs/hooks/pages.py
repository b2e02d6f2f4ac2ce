"""Hook of mkdocs: every page keeps the path that it has in the repository, and the API has a page for each folder of `snnx`.

A relative link therefore leads to the same file on a forge and on the site.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "snnx"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace each entry `folder/*` of the navigation by the pages of that folder."""
    config.nav = [_expanded(entry) for entry in config.nav]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Move the files of `docs/` to where they are in the repository, add those beside it, and make the pages of the API."""
    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
            files.append(File(f"docs/{file.src_uri}", str(ROOT), config.site_dir, config.use_directory_urls))
    for name in (*(path.name for path in ROOT.glob("*.md")), "LICENSE", "CITATION.cff"):
        files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    for uri, content in _api().items():
        files.append(File.generated(config, uri, content=content))
    return files


def _expanded(entry: dict) -> dict:
    """Return the entry with `folder/*` replaced by the README of that folder and its other pages, named after their files."""
    ((title, target),) = entry.items()
    if not (isinstance(target, str) and target.endswith("/*")):
        return entry
    folder = target.removesuffix("/*")
    found = _api() if folder == "api" else [f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.md")]
    names = sorted(Path(uri).name.removesuffix(".md") for uri in found)
    return {title: [f"{folder}/README.md", *({name: f"{folder}/{name}.md"} for name in names if name != "README")]}


def _api() -> dict[str, str]:
    """Return the pages of the API: one for each folder with modules, and one that lists them all."""
    pages, lines = {}, []
    for folder in sorted({path.parent for path in PACKAGE.rglob("*.py")}):
        modules = [path.stem for path in sorted(folder.glob("*.py")) if not path.stem.startswith("__")]
        if modules:
            name = ".".join(folder.relative_to(ROOT).parts)
            pages[f"api/{name}.md"] = "\n\n".join([f"# {name}", *(f"::: {name}.{module}" for module in modules)]) + "\n"
            links = (f"[{module}]({name}.md#{name}.{module})" for module in modules)
            lines.append(f"| [{name}]({name}.md) | {', '.join(links)} |")
    pages["api/README.md"] = "\n".join(["# API", "", "| folder | modules |", "|---|---|", *lines, ""])
    return pages

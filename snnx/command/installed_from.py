"""Finds where pip got a package from, so that another machine can get the same."""

import json
from importlib.metadata import PackageNotFoundError, distribution


def requirement(name: str) -> str | None:
    """Return what pip must be given to install a package on another machine.

    pip writes the origin of a package to `direct_url.json` (PEP 610), unless the package came from an index.

    Returns:
        `NAME` if it came from an index, `NAME @ git+ADDRESS@COMMIT` if it came from a repository, and `NAME @ ADDRESS` if it
        was downloaded from a web address; `None` if it came from a folder or file of this machine, or if it is not installed.

    Example:
        >>> requirement("not-installed") is None
        True
    """
    try:
        text = distribution(name).read_text("direct_url.json")
        if text is None:
            return name
        found = json.loads(text)
        address, repository = str(found["url"]), found.get("vcs_info")
        if repository:
            return f"{name} @ {repository['vcs']}+{address}@{repository['commit_id']}"
    except (PackageNotFoundError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return None if address.startswith("file:") else f"{name} @ {address}"

"""Lets a copy of snnx use the loops that this checkout has compiled, since compiling one takes about a second."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def share_loops(copy: Path) -> None:
    """Give the folder of a copied `snnx` the checkout's caches of numba, which tell by the text of a file whether they fit."""
    for folder in ("neuron/kernel", "spike_time"):
        cache = ROOT / "snnx" / folder / "__pycache__"
        cache.mkdir(exist_ok=True)
        (copy / folder / "__pycache__").symlink_to(cache)

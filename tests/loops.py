"""Lets a copy of snnx use the machine code that numba has compiled for this checkout, so that it is not compiled again."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def share_loops(copy: Path) -> None:
    """Link numba's caches of this checkout into a copied `snnx`; numba uses them if a file has the same text."""
    for folder in ("neuron/kernel", "spike_time"):
        cache = ROOT / "snnx" / folder / "__pycache__"
        cache.mkdir(exist_ok=True)
        (copy / folder / "__pycache__").symlink_to(cache)

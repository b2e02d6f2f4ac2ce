"""Whether a recorded number stands for the code that is here."""

from collections.abc import Mapping
from pathlib import Path

from snnx.record.source import SNNX, digest, sources

PRESENT, CONFIRMED, OTHER = "by the present code", "confirmed by the present code", "by other code, not confirmed"


def code_state(result: dict, packages: Mapping[str, Path] = SNNX) -> str:
    """What is known of the code that made a run, from its `physics`, its `code`, and its mark by `snnx replay`.

    Args:
        result: as it stands in the record.
        packages: see `sources`.

    Example:
        >>> lif = {"neuron": {"_target_": "snnx.neuron.lif.LIF"}}
        >>> code_state({"physics": lif, "code": digest(sources(lif))}), code_state({"physics": lif, "code": "0123456789abcdef"})
        ('by the present code', 'by other code, not confirmed')
    """
    now = digest(sources(result["physics"], packages))
    if result.get("code") == now:
        return PRESENT
    return CONFIRMED if (result.get("confirmed") or {}).get("code") == now else OTHER

"""Finds whether a recorded result was computed, or confirmed by a replay, with the present code."""

from collections.abc import Mapping
from pathlib import Path

from snnx.record.source import SNNX, digest, sources

PRESENT = "computed by the present code"
CONFIRMED = "computed by other code, confirmed by the present code"
OTHER = "computed by other code, not confirmed"


def code_state(result: dict, packages: Mapping[str, Path] = SNNX) -> str:
    """Say whether the present code computed a result, whether `snnx replay` confirmed it with that code, or neither.

    Args:
        result: a run's result from the record; its `physics`, `code` and `confirmed` are read. Without `physics`, it is not
            known which code it would use today.
        packages: see `sources`.

    Example:
        >>> lif = {"neuron": {"_target_": "snnx.neuron.lif.LIF"}}
        >>> code_state({"physics": lif, "code": digest(sources(lif))})
        'computed by the present code'
        >>> code_state({"physics": lif, "code": "0123456789abcdef"})
        'computed by other code, not confirmed'
        >>> code_state({"code": "0123456789abcdef"})
        'computed by other code, not confirmed'
    """
    if not result.get("physics"):
        return OTHER
    now = digest(sources(result["physics"], packages))
    if result.get("code") == now:
        return PRESENT
    return CONFIRMED if (result.get("confirmed") or {}).get("code") == now else OTHER

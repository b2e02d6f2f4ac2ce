"""Whether a recorded number stands for the code that is here."""

from snnx.record.source import digest, sources

PRESENT, CONFIRMED, OTHER = "by the present code", "confirmed by the present code", "by other code, not confirmed"


def code_state(result: dict) -> str:
    """What is known of the code that made a run, from its `physics`, its `code`, and its mark by `snnx replay`.

    Example:
        >>> lif = {"neuron": {"_target_": "snnx.neuron.lif.LIF"}}
        >>> code_state({"physics": lif, "code": digest(sources(lif))}), code_state({"physics": lif, "code": "0123456789abcdef"})
        ('by the present code', 'by other code, not confirmed')
    """
    now = digest(sources(result["physics"]))
    if result.get("code") == now:
        return PRESENT
    return CONFIRMED if (result.get("confirmed") or {}).get("code") == now else OTHER

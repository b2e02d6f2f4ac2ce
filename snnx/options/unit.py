"""The unit in which a sweep file states its numbers, and what measured numbers are multiplied by to stand in it."""

import re

OWN_UNIT = ("_percent", "_ms", "_mj", "_uj", "_px", "_steps", "_per_neuron")  # a name that states its unit is in it already
BITS = re.compile(r"_\d+bit$")


def factor(unit: str | None, metric: str) -> float:
    """What a measured value is multiplied by to stand in the sweep's unit.

    Example:
        >>> factor("%", "val/acc"), factor("%", "test/spiking_percent"), factor(None, "val/acc")
        (100.0, 1.0, 1.0)
        >>> factor("%", "test/acc_4bit"), factor("%", "test/mesh_energy_uj_4bit")     # with weights of so many bits
        (100.0, 1.0)
    """
    return 100.0 if unit == "%" and not BITS.sub("", metric).endswith(OWN_UNIT) else 1.0


def titled(unit: str | None, metric: str) -> str:
    """The metric with its unit, for a heading or an axis.

    Example:
        >>> titled("%", "val/acc"), titled(None, "val/acc")
        ('val/acc (%)', 'val/acc')
    """
    return f"{metric} (%)" if factor(unit, metric) != 1.0 else metric

"""Converts measured numbers to the unit in which a sweep file gives the paper's numbers."""

import re

OWN_UNIT = ("_percent", "_ms", "_mj", "_uj", "_px", "_steps", "_per_neuron", "_in_total", "_truenorth", "_spinnaker")
"""Metrics with these endings are never converted."""
BITS = re.compile(r"_\d+bit$")  # ending of a metric that was measured with weights of this many bits


def factor(unit: str | None, metric: str) -> float:
    """Return the factor that converts a measured value to the sweep's unit.

    Example:
        >>> factor("%", "val/acc"), factor("%", "test/spiking_percent"), factor(None, "val/acc")
        (100.0, 1.0, 1.0)
        >>> factor("%", "test/spikes_in_total"), factor("%", "test/relative_truenorth")
        (1.0, 1.0)
        >>> factor("%", "test/acc_4bit"), factor("%", "test/mesh_energy_uj_4bit")
        (100.0, 1.0)
    """
    return 100.0 if unit == "%" and not BITS.sub("", metric).endswith(OWN_UNIT) else 1.0


def with_unit(unit: str | None, metric: str) -> str:
    """Return the metric's name with its unit, for a heading or an axis.

    Example:
        >>> with_unit("%", "val/acc"), with_unit(None, "val/acc")
        ('val/acc (%)', 'val/acc')
    """
    return f"{metric} (%)" if factor(unit, metric) != 1.0 else metric

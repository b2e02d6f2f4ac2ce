"""How a number is written: in which unit, with how many decimals."""

import math
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


def decimals(value: float) -> int:
    """Decimals that show four significant digits.

    Example:
        >>> decimals(0.8123), decimals(81.23), decimals(556682.0), decimals(0.0)
        (4, 2, 0, 2)
    """
    return 2 if value == 0 else min(12, max(0, 3 - math.floor(math.log10(abs(value)))))


def spread(mean: float, std: float | None) -> str:
    """Mean and sample standard deviation, to the same decimals.

    Example:
        >>> spread(81.234, 0.4), spread(0.8, None), spread(1234567.0, None)
        ('81.23 ± 0.40', '0.8000', '1,234,567')
    """
    places = decimals(mean)
    return f"{mean:,.{places}f}" if std is None else f"{mean:,.{places}f} ± {std:,.{places}f}"


def duration(seconds: float) -> str:
    """A wall time as people say it.

    Example:
        >>> duration(61.2), duration(3723.0), duration(7.25), duration(400_000.0)
        ('1 min 1 s', '1 h 2 min', '7.2 s', '4 d 15 h')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"

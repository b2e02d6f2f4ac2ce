"""Formats numbers: decimals, mean and standard deviation, and durations."""

import math
import statistics
from collections.abc import Sequence


def decimals(value: float) -> int:
    """How many decimals show a value with four significant digits.

    Example:
        >>> decimals(0.8123), decimals(81.23), decimals(556682.0), decimals(0.0)
        (4, 2, 0, 2)
    """
    return 2 if value == 0 else min(12, max(0, 3 - math.floor(math.log10(abs(value)))))


def spread(mean: float, std: float | None) -> str:
    """Format a mean and its sample standard deviation with the same number of decimals.

    Args:
        mean: the mean.
        std: the standard deviation; `None` if there is a single value.

    Example:
        >>> spread(81.234, 0.4), spread(0.8, None), spread(1234567.0, None)
        ('81.23 ± 0.40', '0.8000', '1,234,567')
    """
    digits = decimals(mean)
    return f"{mean:,.{digits}f}" if std is None else f"{mean:,.{digits}f} ± {std:,.{digits}f}"


def duration(seconds: float) -> str:
    """Format a duration in the two largest units that it has.

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


def mean_std(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and sample standard deviation (with n - 1); the latter is `None` for a single value.

    Example:
        >>> mean_std([1.0, 3.0]), mean_std([2.0])
        ((2.0, 1.4142135623730951), (2.0, None))
    """
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None

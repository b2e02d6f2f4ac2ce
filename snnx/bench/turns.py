"""The clock of all measurements: contestants take turns."""

import random
import statistics
import time
from collections.abc import Callable

WARM_UP = 2


def in_turns(
    calls: dict[str, Callable[[], object]], rounds: int, before: Callable[[], None] = lambda: None
) -> dict[str, list[float]]:
    """Seconds of each round of each call, after two rounds that are not counted.

    The calls take turns, so that all meet the same neighbours on the machine, in an order drawn anew each round, so that
    none always finds caches and free memory as the same other one left them.

    Args:
        calls: what to time, by name.
        rounds: how often each is timed.
        before: what precedes each call, untimed.
    """
    seconds = {name: [] for name in calls}
    order, draw = list(calls.items()), random.Random(0)
    for turn in range(WARM_UP + rounds):
        for name, call in draw.sample(order, len(order)):
            before()
            start = time.perf_counter()
            call()
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    """The median of each.

    Example:
        >>> medians({"ReLU": [1.0, 9.0, 2.0]})
        {'ReLU': 2.0}
    """
    return {name: statistics.median(rounds) for name, rounds in seconds.items()}

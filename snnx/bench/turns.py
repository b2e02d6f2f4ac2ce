"""Times several functions in turns, so that they all run under the same conditions."""

import random
import statistics
import time
from collections.abc import Callable

WARM_UP = 2  # rounds that are not counted


def in_turns(
    calls: dict[str, Callable[[], object]], rounds: int, before: Callable[[], None] = lambda: None
) -> dict[str, list[float]]:
    """Time each call once per round, after two rounds that are not counted.

    Because the calls take turns, other load on the machine affects all of them. Their order is random in each round, so that
    no call always runs after the same other one and finds caches and free memory as that one left them.

    Args:
        calls: the functions to time, by name.
        rounds: how often each is timed.
        before: called before each call, without being timed.

    Returns:
        The seconds of every round by name.
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
    """The median of the rounds of each call.

    Example:
        >>> medians({"ReLU": [1.0, 9.0, 2.0]})
        {'ReLU': 2.0}
    """
    return {name: statistics.median(rounds) for name, rounds in seconds.items()}

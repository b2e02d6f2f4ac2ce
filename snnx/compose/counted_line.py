"""Shows on a terminal how many of a sweep's runs are composed or checked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def counted_line(doing: str, total: int, console: Console | None = None) -> Iterator[Callable[[], None]]:
    """Show one line, such as `composing run 12 of 10,000`, for as long as the context lasts; nothing without a terminal.

    Args:
        doing: what is done to each run, as the first word of the line.
        total: the number of runs.
        console: where to show it; standard output if it is `None`.

    Returns:
        A function to call after each run.

    Example:
        >>> with counted_line("composing", 2) as count:
        ...     for seed in (0, 1):
        ...         count()
    """
    console = console or Console(highlight=False)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        status.update(_line(doing, min(done + 1, total), total))

    with console.status(_line(doing, 1, total)) as status:
        yield count if console.is_terminal else lambda: None


def _line(doing: str, number: int, total: int) -> str:
    return f"{doing} run {number:,} of {total:,}"

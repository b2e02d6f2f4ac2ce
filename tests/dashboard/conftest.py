"""Gives the tests of this folder the fixtures that write a folder of runs."""

from left_runs import docs, done, leave, outputs, sweep

__all__ = ["docs", "done", "leave", "outputs", "sweep"]

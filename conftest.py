"""Keeps doctests from importing modules that need an extra which is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("nir") else ["snnx/export/interpret.py", "snnx/export/nir_graph.py"]
collect_ignore += [] if find_spec("neurobench") else ["snnx/export/neurobench.py"]

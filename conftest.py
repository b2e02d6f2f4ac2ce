"""Which modules are no tests here: those of an extra that is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("nir") else ["snnx/export/interpret.py", "snnx/export/nir_graph.py"]
collect_ignore += [] if find_spec("neurobench") else ["snnx/export/neurobench.py"]

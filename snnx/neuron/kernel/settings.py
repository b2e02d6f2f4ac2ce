"""Computes what depends on the parameters and numbers of a neuron alone, such as PLIF's `sigmoid(w)`."""

from collections.abc import Iterable, Mapping

from torch import Tensor

from snnx.neuron.kernel.trace import Trace


def evaluate(trace: Trace, numbers: Mapping[str, float], parameters: Iterable[Tensor]) -> dict[str, Tensor | float]:
    """Return the value of each parameter and setting by its name; torch computes them, as in the definition.

    `numbers` has the value of every number that a setting reads.
    """
    known = {**numbers, **{f"p{i}": parameter.detach() for i, parameter in enumerate(parameters)}}
    for name, function, arguments in trace.settings:
        known[name] = function(*[known[argument] for argument in arguments])
    return known

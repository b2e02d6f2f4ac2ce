"""What the step of a neuron can depend on besides its input and state: its class, attributes and parts.

Neurons with equal facts share a kernel, and a neuron whose attributes change gets another one.
"""

from collections.abc import Hashable
from types import NoneType

from torch import Tensor, nn

ASIDE = {*vars(nn.Module()), "_memories", "_memories_rv", "probe", "path", "unfused", "norm", "_compared"} - {"training"}
"""Attributes that are left out: no step depends on them, or, as for parameters and parts, `facts` reads them in another way."""

PLAIN = {bool, int, float, str, NoneType}


def facts(module: nn.Module) -> tuple[Hashable, ...]:
    """Return the class, attributes and parts of a module.

    Example:
        >>> from snnx.neuron.lif import LIF
        >>> facts(LIF()) == facts(LIF()), facts(LIF()) == facts(LIF(tau=3))
        (True, False)
    """
    own = [
        item if type(item[1]) in PLAIN else (item[0], fact(item[1])) for item in vars(module).items() if item[0] not in ASIDE
    ]
    for numbers in (module._parameters, module._buffers):
        own += [(name, number.shape, number.dtype) for name, number in numbers.items() if number is not None]
    own += [(name, facts(part)) for name, part in module._modules.items() if part is not None]
    return (type(module), *own)


def fact(value: object) -> Hashable:
    """Return a hashable object that differs for different values."""
    if isinstance(value, Tensor):  # large ones are compared by shape only, since a step that reads one gets no kernel
        return (value.shape, value.dtype, value.item() if value.numel() == 1 else None)
    if isinstance(value, list | tuple | set):
        return (type(value), *map(fact, value))
    if isinstance(value, dict):
        return (dict, *((name, fact(part)) for name, part in value.items()))
    return value if isinstance(value, Hashable) else repr(value)

"""What the step of a neuron can depend on besides its input and state: its class, attributes and parts.

Neurons with equal facts share a kernel, and a neuron whose attributes change gets another one.
"""

from collections.abc import Hashable
from functools import cache
from types import FunctionType, MethodType, ModuleType, NoneType

from torch import Tensor, nn

ASIDE = {
    *vars(nn.Module()), "_memories", "_memories_rv", "probe", "path", "unfused", "norm", "ends_at_rest", "_compared",
} - {"training"}  # fmt: skip
"""Attributes that are left out: no step depends on them, or, as for parameters and parts, `facts` reads them in another way."""

OF_CODE = (type, FunctionType, MethodType, ModuleType)
"""Objects whose fields are not read."""
PLAIN = {bool, int, float, str, NoneType}


def facts(module: nn.Module) -> tuple[Hashable, ...]:
    """Return the class, its plain attributes, and the attributes and parts of a module.

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
    kind = type(module)
    return (kind, *(getattr(kind, name) for name in of_class(kind)), *own)


@cache
def of_class(kind: type) -> tuple[str, ...]:
    """Return the names of the plain attributes of a class and of those above it, up to those of torch."""
    above = kind.__mro__[: kind.__mro__.index(nn.Module)]
    names = {name for one in above for name, value in vars(one).items() if type(value) in PLAIN and not name.startswith("__")}
    return tuple(sorted(names))


def fact(value: object) -> Hashable:
    """Return a hashable object that differs for different values."""
    if isinstance(value, Tensor):  # large ones are compared by shape only, since a step that reads one gets no kernel
        if value.numel() != 1:
            return (value.shape, value.dtype)
        number = value.item() if value.device.type == "cpu" else (value.data_ptr(), value._version)  # a GPU would have to wait
        return (value.shape, value.dtype, number)
    if isinstance(value, list | tuple | set):
        return (type(value), *map(fact, value))
    if isinstance(value, dict):
        return (dict, *((name, fact(part)) for name, part in value.items()))
    if not isinstance(value, Hashable):
        return repr(value)
    if isinstance(value, OF_CODE) or not hasattr(value, "__dict__"):
        return value
    return (value, *((name, field_fact(field)) for name, field in vars(value).items()))


def field_fact(field: object) -> Hashable:
    """Return a hashable object that differs for different plain values or tensors; of any other object, its identity."""
    return field if type(field) in PLAIN else fact(field) if isinstance(field, Tensor) else (type(field), id(field))

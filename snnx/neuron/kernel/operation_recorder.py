"""Writes down the operations that torch computes, as a list of elementwise operations between named values."""

from collections.abc import Callable
from functools import partial
from math import frexp
from typing import NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from snnx.neuron.kernel.rules import RULES

SAME = {"alias", "detach", "clone", "contiguous", "lift_fresh", "lift_fresh_copy", "view", "_unsafe_view", "expand", "positive"}
"""Operations that return the values of their input. Each call is also checked for having kept the shape."""
OUT_OF_TORCH = {"numpy", "tolist", "__array__", "__dlpack__"}
"""Methods of a tensor that return its values as numbers, and that are no operations of torch."""
FILLED = {"zeros_like": 0.0, "ones_like": 1.0, "new_zeros": 0.0, "new_ones": 1.0, "zeros": 0.0, "ones": 1.0}


class Untraceable(ValueError):
    """Raised if no fused kernel can be made of the step; the message is the reason, in one line."""


class Operation(NamedTuple):
    """`name = kind(*arguments)`, where the arguments are names."""

    name: str
    kind: str
    arguments: tuple[str, ...]
    gradient: bool
    """Whether it belongs to the gradient. Then it may be rounded in another way than torch does, which spikes must not."""


class Setting(NamedTuple):
    """`name = function(*arguments)`, computed by torch, once per call."""

    name: str
    function: Callable[..., Tensor]
    arguments: tuple[str, ...]


class Given(NamedTuple):
    """The shape and the values of the tensors with which a step is recorded."""

    sides: tuple[int, ...]
    """The lengths of as many dimensions as are needed, from the first."""
    low: float
    high: float
    learns: bool
    """Whether the gradient is recorded too."""


class NumbersRefused(TorchFunctionMode):
    """Rejects a step that takes a tensor's values out of torch, where no recorder sees what it does with them."""

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        if (name := getattr(function, "__name__", "")) in OUT_OF_TORCH:
            raise Untraceable(f"it takes values out of torch ({name.strip('_')})")
        return function(*arguments, **(keywords or {}))


class OperationRecorder(TorchDispatchMode):
    """Writes down every operation that torch computes while it is active.

    A value is known by its memory: all tensors have one shape, so a view has the value of what it shows, and an operation in
    place gives the memory a new value.
    """

    def __init__(self, given: Given, dimensions: int) -> None:
        super().__init__()
        self.tensors = given
        self.shape = tuple(given.sides[i % len(given.sides)] for i in range(dimensions))
        self.operations: list[Operation] = []
        self.settings: list[Setting] = []
        self.numbers: list[float] = []
        self.names: dict[int, str] = {}
        self.gradient = False
        self.constant: set[str] = set()
        self.alive: list[Tensor] = []  # keeps all memory, since freed memory could be given to another value

    def given(self, name: str) -> Tensor:
        """Make the tensor of a given name."""
        low, high, count = self.tensors.low, self.tensors.high, torch.Size(self.shape).numel()
        values = torch.linspace(low, high, count).view(self.shape) if self.shape else torch.tensor((low + high) / 2)
        self.remember(values, name)
        if name[0] == "p":
            self.constant.add(name)
        return values

    def remember(self, value: Tensor, name: str) -> None:
        """Let `name` stand for the value."""
        self.alive.append(value)
        self.names[value.untyped_storage()._cdata] = name

    def number(self, value: float) -> str:
        """Return the name of a number."""
        self.numbers.append(float(value))
        name = f"n{len(self.numbers) - 1}"
        self.constant.add(name)
        return name

    def name_of(self, value: Tensor | float) -> str:
        """Return the name of an operand."""
        if isinstance(value, int | float):
            return self.number(value)
        place = value.untyped_storage()._cdata
        if place in self.names:
            return self.names[place]
        if value.numel() != 1:
            raise Untraceable(f"it reads a tensor of shape {list(value.shape)} that is no state")
        return self.number(value.item())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler here, which takes two seconds

    def __torch_dispatch__(self, target, types, arguments=(), keywords=None):
        keywords = keywords or {}
        packet = target._schema.name.partition("::")[2]
        kind = packet.rstrip("_")
        if torch.Tag.nondeterministic_seeded in target.tags:
            raise Untraceable(f"it draws random numbers ({kind})")
        if kind == "_local_scalar_dense":
            raise Untraceable("it branches on values, or turns them into numbers")
        result = target(*arguments, **keywords)
        if kind in SAME or (kind == "_to_copy" and result.dtype == arguments[0].dtype):
            if isinstance(arguments[0], Tensor) and arguments[0].untyped_storage()._cdata in self.names:
                self.same(kind, arguments[0], result)
        elif kind in FILLED or kind in ("full", "full_like", "new_full", "scalar_tensor", "fill"):
            value = FILLED[kind] if kind in FILLED else arguments[0 if kind == "scalar_tensor" else -1]
            self.remember(result, self.name_of(value))
        else:
            self.write_down(kind, arguments, keywords, result)
        return result

    def same(self, kind: str, value: Tensor, result: Tensor) -> None:
        """Let the result have the name of the value."""
        if result.shape not in (value.shape, torch.Size(self.shape)) or (result.shape != value.shape and value.numel() != 1):
            raise Untraceable(f"{kind} changes the shape, so a neuron may depend on others")
        self.remember(result, self.name_of(value))

    def write_down(self, kind: str, arguments: tuple, keywords: dict, result: object) -> None:
        """Add the operation to the list."""
        if not isinstance(result, Tensor) or result.shape != torch.Size(self.shape):
            raise Untraceable(f"{kind} changes the shape, so a neuron may depend on others")
        if kind == "clamp":
            value, low, high = (*arguments, None)[:3]
            kind = "clamp_max" if low is None else "clamp_min" if high is None else "clamp"
            arguments = (value, *(bound for bound in (low, high) if bound is not None))
        if kind == "softplus":
            arguments = (*arguments, *(1, 20)[len(arguments) - 1 :])  # torch's beta and threshold
        if not all(isinstance(value, Tensor | int | float) for value in arguments):
            raise Untraceable(f"{kind} is not an elementwise operation that a kernel can compute")
        operands = [self.name_of(value) for value in arguments]
        if all(operand[0] == "n" for operand in operands):
            self.remember(result, self.number(self.only_value(kind, result)))
            return
        if all(operand in self.constant for operand in operands):
            name = self.new_name()
            self.constant.add(name)
            self.settings.append(Setting(name, partial(getattr(torch.ops.aten, kind), **keywords), tuple(operands)))
        else:
            kind, operands = self.elementwise(kind, arguments, operands, keywords, result.dtype)
            name = self.new_name()
            self.operations.append(Operation(name, kind, tuple(operands), self.gradient))
        self.remember(result, name)

    def new_name(self) -> str:
        """Return the name of the next result."""
        return f"a{len(self.operations) + len(self.settings)}"

    def only_value(self, kind: str, result: Tensor) -> float:
        """Return the value of a result of numbers alone, which is the same everywhere."""
        value = result.flatten()[0]
        if not bool((result == value).all()):
            raise Untraceable(f"{kind} gives neurons different numbers")
        return value.item()

    def elementwise(self, kind: str, arguments: tuple, operands: list[str], keywords: dict, dtype: torch.dtype):
        """Return the name of the rule and its operands, or raise Untraceable."""
        if dtype not in (torch.float32, torch.bool):
            raise Untraceable(f"{kind} gives {str(dtype).removeprefix('torch.')}, and kernels compute in float32")
        if kind == "_to_copy":
            return f"to {str(dtype).removeprefix('torch.')}", operands
        if kind == "pow" and isinstance(arguments[1], int | float):
            kind, operands = f"pow {arguments[1]:g}", operands[:1]
        divides = kind == "div" and isinstance(arguments[1], int | float)
        if divides and (self.gradient or frexp(arguments[1])[0] == 0.5):  # the reciprocal of a power of two is exact
            return "mul", [operands[0], self.number(1 / arguments[1])]
        if kind not in RULES:
            raise Untraceable(f"{kind} is not an elementwise operation that a kernel can compute")
        if any(value != 1 for value in keywords.values()):
            raise Untraceable(f"{kind} is called with {', '.join(f'{key}={value}' for key, value in keywords.items())}")
        if dtype == torch.bool:
            return {"mul": "bitwise_and", "add": "bitwise_or"}.get(kind, kind), operands
        if kind not in ("where", "masked_fill"):
            operands = [self.as_number(value, name) for value, name in zip(arguments, operands, strict=False)]
        return kind, operands

    def as_number(self, value: Tensor | int | float, name: str) -> str:
        """Return the name of the value, or of its copy as 1 or 0 if it is true or false; numba multiplies those in float64."""
        if not isinstance(value, Tensor) or value.dtype != torch.bool:
            return name
        copy = self.new_name()
        self.operations.append(Operation(copy, "to float32", (name,), self.gradient))
        return copy

"""Writes a traced step as Triton functions, and compiles their text to a Python module.

For a LIF with a soft reset, `step` begins::

    @triton.jit
    def step(x, v0, n0, n1, n2):
        a0 = x - v0

and returns `h`, `s`, the threshold, the new states, and the values that `back`, the gradient of the step, needs.
"""

import linecache
import re
import sys
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from types import ModuleType
from typing import NamedTuple

from snnx.neuron.kernel.cuda.loops import LOOPS
from snnx.neuron.kernel.cuda.rules import IN_GRADIENTS, RULES
from snnx.neuron.kernel.needed import TRUTHS, names_in, needed, what_to_keep
from snnx.neuron.kernel.operation_recorder import Operation
from snnx.neuron.kernel.trace import Trace


class Kernel(NamedTuple):
    """The text of a neuron's loops, which the module of the same text computes."""

    text: str
    constants: tuple[str, ...]
    """The names of the numbers and settings that the loops take."""
    states: int
    learned: int
    moving: bool
    """Whether the threshold changes."""


def render(trace: Trace) -> Kernel:
    """Write the functions of a traced step, and the loops that call them."""
    count, learned = range(len(trace.states)), range(len(trace.parameters))
    outside = [f"n{i}" for i in range(len(trace.numbers))] + [f"p{i}" for i in learned] + [name for name, *_ in trace.settings]
    inputs, coming = ["x", *(f"v{j}" for j in count)], ["gs", *(f"gv{j}" for j in count)]
    gradients = [trace.grad_x, *trace.grad_states, *trace.grad_parameters]
    kept = what_to_keep(trace, inputs, gradients, [*coming, *outside])
    results = [trace.h, trace.s, trace.threshold, *trace.states, *kept]
    chains = [
        needed(trace.operations, results, [*inputs, *outside]),
        needed(trace.operations, gradients, ["x", *kept, *coming, *outside]),
    ]
    read = names_in(*chains) | {*results, *gradients}
    constants = tuple(name for name in outside if name in read)
    truths = {operation.name for operation in trace.operations if operation.kind in TRUTHS}

    def value(name: str | None) -> str:
        """Write a result as one float32 a neuron."""
        if name is None:
            return "tl.zeros_like(x)"
        return f"tl.zeros_like(x) + {name}" if name in outside else f"{name}.to(tl.float32)" if name in truths else name

    functions = [
        function("step", [*inputs, *constants], chains[0], map(value, results)),
        function("back", ["x", *kept, *coming, *constants], chains[1], map(value, gradients)),
    ]
    text = "\n\n".join(["import triton\nimport triton.language as tl", *functions, loops(trace, constants, kept)])
    return Kernel(text, constants, len(count), len(learned), trace.threshold is not None)


def function(name: str, arguments: Iterable[str], chain: Iterable[Operation], results: Iterable[str]) -> str:
    """Write a function that computes a chain of operations."""
    body = [f"{operation.name} = {rule(operation).format(*operation.arguments)}" for operation in chain]
    return "\n    ".join([f"@triton.jit\ndef {name}({', '.join(arguments)}):", *body, f"return {', '.join(results)}"])


def rule(operation: Operation) -> str:
    """Return how an operation is written."""
    return IN_GRADIENTS.get(operation.kind, RULES[operation.kind]) if operation.gradient else RULES[operation.kind]


def loops(trace: Trace, constants: tuple[str, ...], kept: tuple[str, ...]) -> str:
    """Fill the places in the text of the loops."""
    count, learned, values = range(len(trace.states)), range(len(trace.parameters)), range(len(kept))
    first = [f"u{j} = tl.load(v{j} + tl.zeros_like(at) if SAME else v{j} + at, here, other=0.0)" for j in count]
    places = {
        "forward_states": [", ".join(f"v{j}, last{j}, kept{j}" for j in count)],
        "backward_states": [", ".join(f"v{j}, kept{j}, grad_first{j}, grad_last{j}" for j in count)],
        "constants": ["".join(f"{name}, " for name in constants)],
        "load_constants": [f"{name} = tl.load({name})" for name in constants if name[0] != "n"],
        "load_first": first,
        "load_first_again": first,
        "keep_states": [f"tl.store(kept{j} + place, u{j}, here)" for j in count],
        "load_kept": [f"u{j} = tl.load(kept{j} + place, here, other=0.0)" for j in count],
        "states": [", ".join(f"u{j}" for j in count)],
        "new": [", ".join(f"w{j}" for j in count)],
        "nothing_kept": ["".join(", _" for _ in values)],
        "values": ["".join(f", y{k}" for k in values)],
        "advance": [f"u{j} = w{j} if EVEN else tl.where(now, w{j}, u{j})" for j in count],
        "advance_again": [f"u{j} = w{j}" for j in count],
        "store_last": [f"if last{j} is not None: tl.store(last{j} + at, u{j}, here)" for j in count],
        "start_values": [f"held{k} = ()" for k in values],
        "hold_values": [f"held{k} = held{k} + (y{k},)" for k in values],
        "held": ["".join(f"held{k}[SEGMENT - 1 - j], " for k in values)],
        "start_gradients": [
            *(f"g{j} = none if grad_last{j} is None else tl.load(grad_last{j} + at, here, other=0.0)" for j in count),
            *(f"share{j} = none" for j in learned),
        ],
        "gradients": [", ".join(f"g{j}" for j in count)],
        "new_gradients": [", ".join([*(f"d{j}" for j in count), *(f"e{j}" for j in learned)])],
        "advance_gradients": [
            *(f"g{j} = d{j} if EVEN else tl.where(now, d{j}, g{j})" for j in count),
            *(f"share{j} += tl.where(now, e{j}, 0.0)" for j in learned),
        ],
        "store_gradients": [
            *(f"if grad_first{j} is not None: tl.store(grad_first{j} + at, g{j}, here)" for j in count),
            *(f"tl.store(gp + {j} * tl.num_programs(0) + tl.program_id(0), tl.sum(share{j}, 0))" for j in learned),
        ],
    }

    def fill(place: re.Match) -> str:
        indent, name = place.groups()
        return f"\n{indent}".join(places[name]).join([indent, ""]) if places[name] else ""

    text = re.sub(r"^( *)\{(\w+)\}$", fill, LOOPS, flags=re.MULTILINE)
    return re.sub(r"()\{(\w+)\}", fill, text)


@cache
def module_of(text: str) -> ModuleType:
    """Make a module of the text, whose name is made of the text's hash.

    Triton reads the source of its functions, so Python's cache of source lines gets the text.
    """
    name = f"snnx_triton_{sha256(text.encode()).hexdigest()}"
    file = f"<{name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = ModuleType(name, "The loops of one kernel.")
    sys.modules[name] = module
    exec(compile(text, file, "exec"), vars(module))
    return module

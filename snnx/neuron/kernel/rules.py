"""How each operation of torch is written in a kernel for a CPU.

`{0}`, `{1}`, ... stand for the operands. A rule rounds as torch does and keeps NaN where torch does. Only the exponential and
the other transcendental functions differ from torch's, by about two units in the last place.
"""

ARITHMETIC = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "rsub": "{1} - {0}",
    "mul": "{0} * {1}",
    "neg": "-{0}",
    "square": "{0} * {0}",
    "pow 2": "{0} * {0}",
    "pow 3": "{0} * {0} * {0}",
    "pow 1": "{0}",
    "ge": "{0} >= {1}",
    "gt": "{0} > {1}",
    "le": "{0} <= {1}",
    "lt": "{0} < {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
}
"""The rules that are the same in every language of kernels."""

RULES = {
    **ARITHMETIC,
    "div": "{0} / {1}",
    "reciprocal": "ONE / {0}",
    "pow 0.5": "math.sqrt({0})",
    "pow -1": "ONE / {0}",
    "pow -2": "ONE / ({0} * {0})",
    "sqrt": "math.sqrt({0})",
    "abs": "abs({0})",
    "exp": "vector_exp({0})",
    "expm1": "math.expm1({0})",
    "log": "math.log({0})",
    "log1p": "math.log1p({0})",
    "sin": "math.sin({0})",
    "cos": "math.cos({0})",
    "tanh": "vector_tanh({0})",
    "tanh_backward": "{0} * (ONE - {1} * {1})",
    "erf": "math.erf({0})",
    "sigmoid": "ONE / (ONE + vector_exp(-{0}))",
    "sigmoid_backward": "{0} * (ONE - {1}) * {1}",
    "softplus": "({0} if {0} * {1} > {2} else math.log1p(vector_exp({0} * {1})) / {1})",
    "softplus_backward": "choose({1} * {2} > {3}, {0}, {0} / (ONE + vector_exp(-{1} * {2})))",
    "relu": "choose({0} <= ZERO, ZERO, {0})",
    "threshold_backward": "choose({1} <= {2}, ZERO, {0})",
    "sign": "choose({0} > ZERO, ONE, choose({0} < ZERO, -ONE, ZERO))",
    "sgn": "choose({0} > ZERO, ONE, choose({0} < ZERO, -ONE, ZERO))",
    "clamp_min": "choose({0} < {1}, {1}, {0})",
    "clamp_max": "choose({0} > {1}, {1}, {0})",
    "clamp": "choose({0} > {2}, {2}, choose({0} < {1}, {1}, {0}))",
    "minimum": "choose({0} < {1}, {0}, choose({0} == {0}, {1}, {0}))",
    "maximum": "choose({0} > {1}, {0}, choose({0} == {0}, {1}, {0}))",
    "where": "choose({0}, {1}, {2})",
    "masked_fill": "choose({1}, {2}, {0})",
    "logical_not": "not {0}",
    "logical_and": "bool({0}) & bool({1})",
    "logical_or": "bool({0}) | bool({1})",
    "bitwise_not": "not {0}",
    "bitwise_and": "{0} & {1}",
    "bitwise_or": "{0} | {1}",
    "to float32": "choose({0}, ONE, ZERO)",
}
TRANSCENDENTAL = {"exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "erf", "sigmoid", "softplus"}
"""Operations whose last bits differ from those of torch."""

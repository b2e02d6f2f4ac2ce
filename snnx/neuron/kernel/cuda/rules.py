"""How each operation of torch is written in Triton.

`{0}`, `{1}`, ... stand for the operands. As on a CPU, a rule rounds as torch does and keeps NaN where torch does, and only the
exponential and the other transcendental functions differ in their last bits. Near 0, `expm1`, `log1p` and `tanh` have fewer
correct digits than torch's. Triton's `/` is not rounded correctly, so only gradients are divided with it.
"""

from snnx.neuron.kernel.rules import ARITHMETIC

SIGN = "tl.where({0} > 0.0, 1.0, tl.where({0} < 0.0, -1.0, 0.0))"

RULES = {
    **ARITHMETIC,
    "div": "tl.div_rn({0}, {1})",
    "reciprocal": "tl.div_rn(1.0, {0})",
    "pow 0.5": "tl.sqrt_rn({0})",
    "pow -1": "tl.div_rn(1.0, {0})",
    "pow -2": "tl.div_rn(1.0, {0} * {0})",
    "sqrt": "tl.sqrt_rn({0})",
    "abs": "tl.abs({0})",
    "exp": "tl.exp({0})",
    "expm1": "tl.exp({0}) - 1.0",
    "log": "tl.log({0})",
    "log1p": "tl.log(1.0 + {0})",
    "sin": "tl.sin({0})",
    "cos": "tl.cos({0})",
    "tanh": "2.0 * tl.sigmoid(2.0 * {0}) - 1.0",
    "tanh_backward": "{0} * (1.0 - {1} * {1})",
    "erf": "tl.erf({0})",
    "sigmoid": "tl.sigmoid({0})",
    "sigmoid_backward": "{0} * (1.0 - {1}) * {1}",
    "softplus": "tl.where({0} * {1} > {2}, {0}, tl.log(1.0 + tl.exp({0} * {1})) / {1})",
    "softplus_backward": "tl.where({1} * {2} > {3}, {0}, {0} * tl.sigmoid({1} * {2}))",
    "relu": "tl.where({0} <= 0.0, 0.0, {0})",
    "threshold_backward": "tl.where({1} <= {2}, 0.0, {0})",
    "sign": SIGN,
    "sgn": SIGN,
    "clamp_min": "tl.where({0} < {1}, {1}, {0})",
    "clamp_max": "tl.where({0} > {1}, {1}, {0})",
    "clamp": "tl.where({0} > {2}, {2}, tl.where({0} < {1}, {1}, {0}))",
    "minimum": "tl.where(({0} < {1}) | ({0} != {0}), {0}, {1})",
    "maximum": "tl.where(({0} > {1}) | ({0} != {0}), {0}, {1})",
    "where": "tl.where({0}, {1}, {2})",
    "masked_fill": "tl.where({1}, {2}, {0})",
    "logical_not": "{0} == 0",
    "logical_and": "({0} != 0) & ({1} != 0)",
    "logical_or": "({0} != 0) | ({1} != 0)",
    "bitwise_not": "{0} == 0",
    "bitwise_and": "({0} != 0) & ({1} != 0)",
    "bitwise_or": "({0} != 0) | ({1} != 0)",
    "to float32": "{0}.to(tl.float32)",
}

IN_GRADIENTS = {"div": "{0} / {1}", "reciprocal": "1.0 / {0}"}
"""Faster rules, which gradients allow."""

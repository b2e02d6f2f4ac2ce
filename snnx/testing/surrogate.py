"""Contracts that every surrogate must fulfil; any project's tests can call them."""

from collections.abc import Callable

import torch
from torch import Tensor

from snnx.surrogate.surrogate import Surrogate
from snnx.testing.must import must

Make = Callable[[], Surrogate]
DTYPES = (torch.float32, torch.float64)


def step(make: Make) -> None:
    """Forward is exactly the step function, 1 for x >= 0 and else 0, in the dtype of x.

    Args:
        make: builds the surrogate.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the surrogate must do.

    Example:
        >>> from spikingjelly.activation_based.surrogate import ATan
        >>> for contract in CONTRACTS:
        ...     contract(lambda: ATan(alpha=2.0))
    """
    surrogate = make()
    for dtype in DTYPES:
        x = _inputs(dtype)
        s = surrogate(x).detach()
        must(s.dtype == dtype, surrogate, f"return spikes of the dtype of its input, {dtype}; got {s.dtype}")
        wrong = x[s != (x >= 0).to(dtype)]
        must(not len(wrong), surrogate, f"return 1 if x >= 0, else 0; got another value for x = {wrong[:1].tolist()}")


def slope(make: Make) -> None:
    """The slope is finite and never negative, positive at the threshold, and not larger at a distance of 5.

    Args:
        make: see `step`.
    """
    surrogate = make()
    for dtype in DTYPES:
        x = _inputs(dtype).requires_grad_()
        surrogate(x).sum().backward()
        found = torch.zeros_like(x) if x.grad is None else x.grad
        must(bool(found.isfinite().all()), surrogate, "have a finite slope; got inf or nan")
        must(bool((found >= 0).all()), surrogate, f"have no negative slope; got {found.min():g}")
        at_threshold, far = float(found[len(x) // 2]), float(found[[0, -1]].max())
        must(at_threshold > 0, surrogate, f"have a positive slope at the threshold; got {at_threshold:g}")
        must(far <= at_threshold, surrogate, f"have its largest slope near the threshold; got {far:g} far from it")


CONTRACTS = (step, slope)
"""All contracts, for `pytest.mark.parametrize`."""


def _inputs(dtype: torch.dtype) -> Tensor:
    return torch.arange(-100, 101).to(dtype) / 20  # from -5 to 5, with an exact 0 in the middle

"""Contracts that every quantization must fulfil; any project's tests can call them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from snnx.quantization.quantization import Quantization
from snnx.testing.must import must

Make = Callable[[], Quantization]


def levels(make: Make) -> None:
    """Within the context, the weights of convolutions and linear layers, and nothing else, have at most 2^bits values.

    Args:
        make: builds the quantization.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the quantization must do.

    Example:
        >>> from snnx.quantization.symmetric import Symmetric
        >>> for contract in CONTRACTS:
        ...     contract(lambda: Symmetric(bits=[4]))
    """
    quantization, network = make(), _network()
    before = _values(network)
    for bits in _bits(quantization):
        with quantization.applied(network, bits):
            found = _values(network)
        for name, value in found.items():
            changed = not torch.equal(value, before[name])
            if name in WEIGHTS:
                must(changed, quantization, f"round {name} to {bits} bits; got the value from before")
                count = len(value.unique())
                must(count <= 2**bits, quantization, f"leave at most {2**bits} values with {bits} bits; got {count} in {name}")
            else:
                must(not changed, quantization, f"round weights only; got another {name}")


def error(make: Make) -> None:
    """More bits do not give a larger error.

    Args:
        make: see `levels`.
    """
    quantization, network = make(), _network()
    before, errors = _values(network), {}
    for bits in _bits(quantization):
        with quantization.applied(network, bits):
            found = _values(network)
        errors[bits] = sum(float((found[name] - before[name]).square().sum()) for name in WEIGHTS)
    sizes = list(errors.values())
    must(sizes == sorted(sizes, reverse=True), quantization, f"give no larger error with more bits; got {errors}")


def restored(make: Make) -> None:
    """After the context, the network has the same parameters with their old values, also after an error.

    Args:
        make: see `levels`.
    """
    quantization, network = make(), _network()
    before, objects = _values(network), dict(network.named_parameters())
    for stop in (None, KeyboardInterrupt):
        for bits in _bits(quantization):
            try:
                with quantization.applied(network, bits):
                    if stop is not None:
                        raise stop
            except KeyboardInterrupt:
                pass
            when = "after the context" if stop is None else "after an error in the context"
            for name, parameter in network.named_parameters():
                must(parameter is objects[name], quantization, f"keep the parameter {name} {when}; got another one")
                must(torch.equal(parameter, before[name]), quantization, f"restore {name} {when}; got another value")


CONTRACTS = (levels, error, restored)
"""All contracts, for `pytest.mark.parametrize`."""

WEIGHTS = ("0.weight", "3.weight")


def _network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(36, 5))


def _bits(quantization: Quantization) -> list[int]:
    return sorted({*quantization.bits, 2, 4, 8})


def _values(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}

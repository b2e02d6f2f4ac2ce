"""Contracts that all initial weights must fulfil; any project's tests can call them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from snnx.init.init import DrawsWeights
from snnx.neuron.plif import PLIF
from snnx.testing.must import must

Make = Callable[[], DrawsWeights]
MARK = 7.0  # value of every parameter before new weights are drawn


def layers(make: Make) -> None:
    """All weights of convolutions and linear layers are drawn and finite; norms and neurons keep their values.

    Args:
        make: builds the initialisation.

    Raises:
        AssertionError: the contract is broken; the message says in one line what the initialisation must do.

    Example:
        >>> from snnx.init.kaiming import Kaiming
        >>> for contract in CONTRACTS:
        ...     contract(Kaiming)
    """
    init, network = make(), _network()
    drawn = {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    for name, value in _drawn(init, network, seed=0).items():
        must(bool(value.isfinite().all()), init, f"draw finite values for {name}; got inf or nan")
        if name.rpartition(".")[0] in drawn:
            must(not bool((value == MARK).any()), init, f"draw {name}; got the value from before")
        else:
            kept = bool((value == MARK).all())
            must(kept, init, f"keep {name}, which is no weight or bias of a convolution or linear layer; got another value")


def seeds(make: Make) -> None:
    """Weights come from torch's generator: the same seed gives the same ones, and another seed gives others.

    Args:
        make: see `layers`.
    """
    init, network = make(), _network()
    first, again, other = (_drawn(init, network, seed) for seed in (0, 0, 1))
    for name, value in first.items():
        must(torch.equal(value, again[name]), init, f"draw the same {name} from the same seed; got another value")
    for name in WEIGHTS:
        must(not torch.equal(first[name], other[name]), init, f"draw another {name} from another seed; got the same")


CONTRACTS = (layers, seeds)
"""All contracts, for `pytest.mark.parametrize`."""

WEIGHTS = ("0.weight", "4.weight", "6.weight")


def _network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), PLIF(), nn.AvgPool2d(2), nn.Conv2d(4, 4, 3, groups=2, bias=False), nn.Flatten(),
        nn.Linear(36, 5),
    )  # fmt: skip


def _drawn(init: DrawsWeights, network: nn.Module, seed: int) -> dict[str, Tensor]:
    """The parameters by name, after each was set to `MARK` and new weights were drawn."""
    for parameter in network.parameters():
        nn.init.constant_(parameter, MARK)
    torch.manual_seed(seed)
    init(network)
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}

"""Computes a network segment by segment, and computes each segment again in the backward pass, to save memory."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from snnx.attention.self_attention import SelfAttention
from snnx.backbone.recompute import computed_again
from snnx.backbone.watched import watched
from snnx.neuron.node import Node
from snnx.neuron.spiking import is_spiking
from snnx.norm.none import NoNorm
from snnx.norm.norm import Norm


def recompute_segments(network: nn.Module, steps: int) -> None:
    """Let a network keep only its input and its neurons' states before each segment of `steps` time steps for backward.

    In training, memory then grows with `steps` and no longer with T, except for the input and one copy of the states for each
    segment. It costs one more forward pass of all segments but the last. Gradients flow through the states from segment to
    segment, so they are those of the whole sequence; products over fewer steps may round differently in the last bits.

    Each step may depend on earlier ones through the states of its neurons only. So a network with norms is refused, since they
    take statistics over all steps or have weights for each step. An attention with a filter over time is refused too, and so
    are neurons that see all steps at once: those of SpikingJelly, and those with an own `sequence` or `complete`. While a hook
    or a probe watches a module, as metrics of the training do, it sees all steps at once and nothing is computed again.

    Args:
        network: a backbone, whose input and output are `[T, B, *]`.
        steps: the length of a segment, at least 1.

    Raises:
        ValueError: `steps` is below 1, or a module of the network needs all steps at once.

    Source: Chen et al., *Training Deep Nets with Sublinear Memory Cost*, 2016, applied to time.

    Example:
        >>> from snnx.neuron.if_ import IF
        >>> network = nn.Sequential(nn.Linear(2, 4), IF(), nn.Linear(4, 3))
        >>> recompute_segments(network, 10)
        >>> network(torch.rand(25, 1, 2)).shape
        torch.Size([25, 1, 3])
    """
    if steps < 1:
        raise ValueError(f"recompute_steps must be at least 1; got {steps}")
    for name, module in network.named_modules():
        if _needs_all_steps(module):
            raise ValueError(
                f"recompute_steps needs a network whose steps depend on earlier ones through its neurons only; got {name}, "
                f"{type(module).__name__}, which needs all steps at once: use recompute=true, or norm=none and no filter "
                "over time"
            )
    for module in network.modules():
        if isinstance(module, Node):
            module.ends_at_rest = False  # the next segment begins with the last state of the one before
    network.forward = partial(_in_segments, network, steps)


def _needs_all_steps(module: nn.Module) -> bool:
    if is_spiking(module):
        return not isinstance(module, Node) or _sees_all_steps(module)
    filters = isinstance(module, SelfAttention) and not isinstance(module.temporal, nn.Identity)
    return filters or (isinstance(module, Norm | _BatchNorm) and not isinstance(module, NoNorm))


def _sees_all_steps(node: Node) -> bool:
    completes = type(node).complete is not Node.complete and getattr(node, "force_last_spike", True)  # TTFS only if forced
    return completes or type(node).sequence is not Node.sequence


def _in_segments(network: nn.Module, steps: int, x: Tensor) -> Tensor:
    forward = partial(type(network).forward, network)
    if not torch.is_grad_enabled() or len(x) <= steps or watched(network):
        return forward(x)
    *segments, last = x.split(steps)
    return torch.cat([*(computed_again([network], forward, segment) for segment in segments), forward(last)])

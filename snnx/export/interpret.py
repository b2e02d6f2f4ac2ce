"""Runs a NIR graph step by step, with the equations of NIR's specification and without code of snnx."""

import nir
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


@torch.no_grad()
def interpret(graph: nir.NIRGraph, x: Tensor, dt: float) -> dict[str, Tensor]:
    """Compute the output of every node of a chain at every time step.

        nir.IF     v += dt * r * x
        nir.LIF    v += dt / tau * (v_leak - v + r * x)
        both       z = v > v_threshold;  v = v_reset where z

    Args:
        graph: a chain from an `Input` to an `Output`.
        x: `[T, B, *]`.
        dt: duration of a time step, in seconds.

    Returns:
        For each node its output `[T, B, *]`, in the order of the chain.

    Raises:
        ValueError: the graph is not a chain, or has a node of another kind.

    Example:
        >>> one = np.ones(1, dtype=np.float32)
        >>> nodes = {"input": nir.Input({"input": np.array([1])}), "if": nir.IF(r=one, v_threshold=0.9 * one)}
        >>> nodes["output"] = nir.Output({"output": np.array([1])})
        >>> graph = nir.NIRGraph(nodes=nodes, edges=[("input", "if"), ("if", "output")])
        >>> interpret(graph, torch.full((4, 1, 1), 0.5), dt=1.0)["if"].flatten().tolist()
        [0.0, 1.0, 0.0, 1.0]
    """
    after = dict(graph.edges)
    if len(after) != len(graph.edges) or len(graph.edges) != len(graph.nodes) - 1:
        raise ValueError(f"interpret: the graph must be a chain; got {len(graph.nodes)} nodes and {len(graph.edges)} edges")
    (name,) = set(after) - set(after.values())
    found: dict[str, Tensor] = {}
    while name is not None:
        node = graph.nodes[name]
        x = found[name] = _spikes(node, x, dt) if isinstance(node, nir.IF | nir.LIF) else _stateless(node, x)
        name = after.get(name)
    return found


def _stateless(node: nir.NIRNode, x: Tensor) -> Tensor:
    """The output of a node without state, for all time steps at once."""
    if isinstance(node, nir.Input | nir.Output):
        return x
    flat = x.flatten(0, 1)
    if isinstance(node, nir.Affine):
        y = F.linear(flat, _like(x, node.weight), _like(x, node.bias))
    elif isinstance(node, nir.Conv2d):
        geometry = (_ints(value) for value in (node.stride, node.padding, node.dilation))
        y = F.conv2d(flat, _like(x, node.weight), _like(x, node.bias), *geometry, node.groups)
    elif isinstance(node, nir.AvgPool2d):
        y = F.avg_pool2d(flat, *(_ints(value) for value in (node.kernel_size, node.stride, node.padding)))
    elif isinstance(node, nir.Flatten):
        y = flat.flatten(1)
    else:
        raise ValueError(
            f"interpret: a node must be one of Affine, Conv2d, AvgPool2d, Flatten, IF, LIF; got {type(node).__name__}"
        )
    return y.unflatten(0, x.shape[:2])


def _spikes(node: nir.IF | nir.LIF, x: Tensor, dt: float) -> Tensor:
    r, threshold = _like(x, node.r), _like(x, node.v_threshold)
    v_reset = _like(x, getattr(node, "v_reset", np.zeros_like(node.r)))
    v, spikes = torch.zeros_like(x[0]) + v_reset, []
    for current in x:
        if isinstance(node, nir.IF):
            v = v + dt * r * current
        else:
            v = v + _like(x, dt / node.tau) * (_like(x, node.v_leak) - v + r * current)
        z = v > threshold
        spikes.append(z.to(x.dtype))
        v = torch.where(z, v_reset, v)
    return torch.stack(spikes)


def _ints(value: object) -> int | tuple[int, ...]:
    return int(value) if np.ndim(value) == 0 else tuple(int(item) for item in value)


def _like(x: Tensor, array: np.ndarray) -> Tensor:
    return torch.as_tensor(array, dtype=x.dtype)

"""Lets neuron layers compute the batch norms and sums in front of them, so that their outputs are not written to memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from spikingjelly.activation_based.functional import reset_net
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from snnx.layer.residual_sum import ResidualSum
from snnx.layer.tensors_in import tensors_in
from snnx.neuron.node import Node, Taken
from snnx.norm.batch import Batch
from snnx.norm.norm import Norm


def take_norms(network: nn.Module, x: Tensor) -> int:
    """Let each neuron layer compute the batch norm in front of it, and return how many do so.

    A norm is taken if a neuron layer is the only reader of its output, or a `ResidualSum` of which a neuron layer is the only
    reader; the layer then computes the sum too. The norm stays where it is, with its parameters and running statistics, and its
    `forward` passes the input on; the neuron layer's kernel normalises each value when it reads it. Spikes and gradients stay
    the same to the last bit on a CPU with AVX2. Without AVX2 they would not; there torch computes the norm when the layer runs.

    Args:
        network: the backbone; it is run once on `x`, in evaluation and without gradients, to see which layer reads what.
        x: an input of the network, `[T, B, *]`. No norm is taken if the network raises an error for it.

    Raises:
        OtherShape: a norm does not return the shape that it is given.

    Example:
        >>> from snnx.backbone.convnet import ConvNet
        >>> from snnx.neuron.lif import LIF
        >>> network, x = ConvNet(neuron=LIF, in_shape=(1, 8, 8), classes=2, channels=[4, 8]), torch.rand(4, 2, 1, 8, 8)
        >>> spikes = network(x)
        >>> reset_net(network)
        >>> take_norms(network, x), network.stages.conv1[1].taken
        (2, True)
        >>> bool(torch.equal(network(x), spikes))
        True
    """
    release_norms(network)
    with _as_it_is(network), torch.no_grad():
        try:
            pairs = _pairs(network, x.contiguous()) & _pairs(network, x[:1].expand(x.shape))
        except OtherShape:
            raise
        except Exception:  # the network does not run on x; the training will say why
            return 0
    for norm, node, behind, residual in pairs:
        norm.taken, node.norm = True, Taken(norm, behind, residual)
        if residual is not None:
            residual.taken = norm, behind
    return len(pairs)


def release_norms(network: nn.Module) -> None:
    """Let every norm and every sum compute its output itself again; code that replaces or copies norms needs this."""
    for module in network.modules():
        if isinstance(module, Batch):
            module.taken = False
        elif isinstance(module, ResidualSum):
            module.taken = None
            module.forget()
        elif isinstance(module, Node):
            module.norm = None


Pair = tuple[Batch, Node, int, ResidualSum | None]
"""A norm, the neuron layer that takes it, the number of dimensions behind the channels, and the sum between the two."""


def _pairs(network: nn.Module, x: Tensor) -> set[Pair]:
    """Run the network; return each norm that only one neuron layer reads, itself or after a residual sum."""
    watch = _Readers()
    hooks = [norm.register_forward_hook(watch.norm_ended) for norm in network.modules() if _can_be_taken(norm)]
    hooks += [norm.register_forward_hook(_require_shape) for norm in network.modules() if isinstance(norm, Norm)]
    nodes = [node for node in network.modules() if isinstance(node, Node)]
    hooks += [node.register_forward_pre_hook(watch.neurons_begin) for node in nodes]
    hooks += [node.register_forward_hook(watch.neurons_ended) for node in nodes]
    sums = [module for module in network.modules() if isinstance(module, ResidualSum)]
    hooks += [one.register_forward_pre_hook(watch.sum_begins) for one in sums]
    hooks += [one.register_forward_hook(watch.sum_ended) for one in sums]
    try:
        with watch:
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
        reset_net(network)
    return watch.pairs()


class OtherShape(ValueError):
    """A norm does not return the shape that it is given."""


def _require_shape(norm: Norm, given: tuple[Tensor], y: Tensor) -> None:
    if y.shape != given[0].shape:
        raise OtherShape(
            f"norm must return the shape that it is given, {list(given[0].shape)}; "
            f"got {list(y.shape)} from {type(norm).__name__}"
        )


def _can_be_taken(module: nn.Module) -> bool:
    """Whether a module is a batch norm whose computation is the one that a kernel knows."""
    return isinstance(module, Batch) and type(module).forward is Batch.forward and module.fused


@contextmanager
def _as_it_is(network: nn.Module) -> Iterator[None]:
    """Within this context the network is in evaluation, without states; afterwards modes and paths are as before."""
    modes = {module: module.training for module in network.modules()}
    paths = {node: (node.path, node.unfused) for node in network.modules() if isinstance(node, Node)}
    network.eval()
    reset_net(network)
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
        for node, (path, unfused) in paths.items():
            node.path, node.unfused = path, unfused


class _Readers(TorchDispatchMode):
    """Notes which operations read the outputs of norms and of residual sums."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[int, tuple[nn.Module, Tensor]] = {}  # by memory; the tensor is kept, so that no other gets its memory
        self._readers: dict[int, list[nn.Module | None]] = {}  # by memory: layers, sums, and `None` for anything else
        self._within: nn.Module | None = None
        self._ran: list[nn.Module] = []

    def norm_ended(self, norm: Batch, given: tuple[Tensor], y: Tensor) -> None:
        self._made[_memory(y)] = norm, y
        self._ran.append(norm)

    def sum_begins(self, residual: ResidualSum, given: tuple[Tensor, Tensor]) -> None:
        """Note that a sum reads a norm's output as its first input; if it is the second input, the norm keeps computing it."""
        self._within = residual
        self._ran.append(residual)
        x, shortcut = given
        self._note(residual, x)
        if (place := _memory(shortcut)) in self._made:
            self._readers.setdefault(place, []).append(None)

    def sum_ended(self, residual: ResidualSum, given: tuple[Tensor, Tensor], y: Tensor) -> None:
        self._within = None
        if given[0].shape == given[1].shape:
            self._made[_memory(y)] = residual, y

    def neurons_begin(self, node: Node, given: tuple[Tensor]) -> None:
        self._within = node
        self._ran.append(node)
        self._note(node, *given)

    def neurons_ended(self, node: Node, given: tuple[Tensor], s: Tensor) -> None:
        self._within = None

    def _note(self, reader: nn.Module, x: Tensor) -> None:
        """Note which output `reader` reads; a reader that takes only part of it, or reorders it, cannot take the norm."""
        if (place := _memory(x)) in self._made:
            _, y = self._made[place]
            behind = y.dim() - 3  # dimensions behind the channels
            whole = x.numel() == y.numel() and x.is_contiguous() and y.is_contiguous() and len(x) == len(y)
            whole = whole and x.shape[x.dim() - 1 - behind :] == y.shape[2:]
            whole = whole and (x.shape == y.shape or isinstance(reader, Node))
            self._readers.setdefault(place, []).append(reader if whole else None)

    def pairs(self) -> set[Pair]:
        """Return each norm that ran once and has one reader: a neuron layer that ran once, or a sum that such a layer reads."""
        found = set()
        for place, (norm, y) in self._made.items():
            reader, residual = self._only_reader(place), None
            if isinstance(norm, Batch) and isinstance(reader, ResidualSum):
                place = next((place for place, (made, _) in self._made.items() if made is reader), None)
                residual, reader = reader, self._only_reader(place)
            if isinstance(norm, Batch) and isinstance(reader, Node) and self._ran.count(norm) == 1:
                found.add((norm, reader, y.dim() - 3, residual))
        return found

    def _only_reader(self, place: int | None) -> nn.Module | None:
        """Return the only reader of an output, if it runs only once."""
        readers = self._readers.get(place, [])
        return readers[0] if len(readers) == 1 and readers[0] is not None and self._ran.count(readers[0]) == 1 else None

    def __torch_dispatch__(self, target, types, arguments=(), keywords=None):
        result = target(*arguments, **keywords or {})
        if self._within is None and self._made:
            made = set(map(_memory, tensors_in(result)))
            for place in set(map(_memory, tensors_in(arguments, keywords))):
                if place in self._made and place not in made:  # a view reads nothing
                    self._readers.setdefault(place, []).append(None)
        return result


def _memory(values: Tensor) -> int:
    """Return the address of the memory that a tensor shares with all its views."""
    return values.untyped_storage().data_ptr()

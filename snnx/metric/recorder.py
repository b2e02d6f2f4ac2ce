"""Records a network during a test: passes the potentials, spikes and inputs of its layers to the metrics."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial

from torch import Tensor, nn

from snnx.attention.self_attention import SelfAttention
from snnx.metric.counting import Counting
from snnx.metric.layer_hooks import LayerHooks
from snnx.metric.metric import Metric
from snnx.metric.reductions import Reductions
from snnx.neuron.node import Node
from snnx.neuron.spiking import is_spiking, spiking_layers
from snnx.norm.foldable import is_batch_norm


class Recorder(Reductions):
    """Passes potentials and spikes from the layers of a network to the metrics, batch by batch, and reduces the results.

    It is a context manager. Inside the context, the watched layers report their potentials and spikes; outside, they run at
    full speed.

    Args:
        network: the network whose neuron layers and spiking attentions are watched, in the order of `named_modules`.
        metrics: the metrics to measure.
        layers: shell pattern of the neuron layers to watch, such as `encoder.*.sn2`; operations are counted in all layers.
        encoding: the encoding before the network; the operations of its layers and neurons are counted too.

    Raises:
        ValueError: no neuron layer matches the pattern, or a metric needs potentials that a layer does not show.

    Example:
        >>> import torch
        >>> from snnx.metric.firing_rate import FiringRate
        >>> from snnx.neuron.if_ import IF
        >>> net = nn.Sequential(IF())
        >>> with Recorder(net, [FiringRate()]) as recorder:
        ...     _ = net(torch.tensor([[[0.5], [1.0]], [[0.5], [1.0]]]))     # two steps, two samples, one neuron
        ...     recorder.end_batch(torch.tensor([False, True]))
        >>> recorder.curves("test")["firing_rate"]["0"].tolist(), recorder.curves("wrong")["firing_rate"]["0"].tolist()
        ([0.5, 1.0], [0.0, 1.0])
        >>> recorder.samples, recorder.scalars()["test/firing_rate"]
        ({'correct': 1, 'wrong': 0}, 0.75)
    """

    def __init__(self, network: nn.Module, metrics: list[Metric], layers: str = "*", encoding: nn.Module | None = None) -> None:
        super().__init__(metrics)
        self.counting = [metric for metric in metrics if isinstance(metric, Counting)]
        parts = encoding.named_modules(prefix="encoding") if encoding is not None and self.counting else ()
        self.before = {
            name: module
            for name, module in parts
            if isinstance(module, nn.Conv2d | nn.Linear) or is_spiking(module) or is_batch_norm(module)
        }
        self.layers = layers
        self.nodes: dict[str, nn.Module] = {}
        self.attentions: dict[str, SelfAttention] = {}
        self.labels: Tensor | None = None  # labels of the present batch, if they are known
        self._hooks: LayerHooks | None = None
        self._early: list[Callable[[], None]] = []  # measurements of the encoding's layers, which run before `see_input`
        self._batch_size = self._steps = 0
        self.watch(network)

    def watch(self, network: nn.Module) -> None:
        """Watch this network from now on, instead of the previous one.

        Raises:
            ValueError: no neuron layer matches the pattern, or a metric needs potentials that a layer does not show.
        """
        with self.paused():
            self.network = network
            for metric in self.metrics:
                metric.begin(network)
            found = spiking_layers(network)
            self.matched = {name for name in found if fnmatchcase(name, self.layers)}
            if found and not self.matched:
                raise ValueError(f"Recorder: layers must match one of {', '.join(found)}; got {self.layers}")
            for name in sorted(self.matched):
                self._require_potential(name, found[name])
            self.nodes = {name: module for name, module in found.items() if self.counting or name in self.matched}
            scored = any(type(metric).measure_scores is not Metric.measure_scores for metric in self.metrics)
            attentions = {name: module for name, module in network.named_modules() if isinstance(module, SelfAttention)}
            self.attentions = attentions if scored else {}  # only if needed, because a watched attention computes more slowly

    def __enter__(self) -> "Recorder":
        read = any(type(metric).measure_layer is not Metric.measure_layer for metric in self.metrics)
        self._hooks = LayerHooks(
            self,
            nodes={**{name: module for name, module in self.before.items() if is_spiking(module)}, **self.nodes},
            attentions=self.attentions,
            layers={**self.before, **dict(self.network.named_modules())} if read else {},
            norms=bool(self.counting),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._hooks.remove()
        self._hooks = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Remove the hooks within this context, so that nothing in it is measured."""
        on = self._hooks is not None
        if on:
            self.__exit__()
        try:
            yield
        finally:
            if on:
                self.__enter__()

    def see_input(self, images: Tensor, encoded: Tensor) -> None:
        """Measure the input of a new batch; if the run is in pieces, the input of the first piece."""
        self._batch_size, self._steps, self._later = len(images), len(encoded), False
        reads = any(isinstance(module, nn.Conv2d | nn.Linear) for module in self.before.values())
        for metric in self.metrics:
            # if the encoding has layers, the first one reads the images
            given = images[None] if reads and metric in self.counting else encoded
            for curve, places in metric.measure_input(images, given).items():
                self._put(curve, places)
        early, self._early = self._early, []
        for measure in early:
            measure()

    def see_output(self, outputs: Tensor, decoding: nn.Module) -> None:
        """Measure the outputs of the present batch."""
        if self.labels is not None:
            for metric in self.metrics:
                for curve, places in metric.measure_output(outputs, decoding, self.labels).items():
                    self.outputs.setdefault(curve, {}).update({place: outputs[0, 0].numel() for place in places})
                    self._put(curve, places)

    def see_neurons(self, name: str, node: nn.Module, h: Tensor | None, s: Tensor) -> None:
        self._once_known(name, partial(self._measure_neurons, name, node, h, s))

    def see_layer(self, name: str, layer: nn.Conv2d | nn.Linear, x: Tensor) -> None:
        self._once_known(name, partial(self._measure_layer, name, layer, x))

    def see_norm(self, name: str) -> None:
        self._once_known(name, partial(self._measure_norm, name))

    def see_scores(self, name: str, attention: SelfAttention, before: Tensor, after: Tensor) -> None:
        for metric in self.metrics:
            for curve, values in metric.measure_scores(before, after, attention).items():
                self._put(curve, {name: values})

    def _once_known(self, name: str, measure: Callable[[], None]) -> None:
        """Measure now; a part of the encoding is measured later, when `see_input` has received the batch."""
        if name in self.before:
            self._early.append(measure)
        else:
            measure()

    def _require_potential(self, name: str, layer: nn.Module) -> None:
        if isinstance(layer, Node):
            return
        for metric in self.metrics:
            if metric.needs_potential:
                raise ValueError(
                    f"{type(metric).__name__}: neuron must show its potential, as the neurons of snnx do; got "
                    f"{type(layer).__name__} in {name}, which shows its spikes only; "
                    "choose another neuron, or leave this metric out"
                )

    def _measure_neurons(self, layer: str, node: nn.Module, h: Tensor | None, s: Tensor) -> None:
        self.neurons[layer] = s[0, 0].numel()
        for metric in self.metrics if layer in self.matched else self.counting:
            for curve, values in metric.measure(h, s, node).items():
                self._put(curve, {layer: values})

    def _measure_layer(self, layer: str, module: nn.Module, x: Tensor) -> None:
        tokens = isinstance(module, nn.Linear) and x.ndim == 3  # [T*B, N, D], or [T, B, F] without tokens
        merged = x.shape[1] != self._batch_size or len(x) == self._steps * self._batch_size > self._steps
        if (tokens and merged) or x.ndim == (4 if isinstance(module, nn.Conv2d) else 2):  # time and batch are one
            x = x.unflatten(0, (-1, self._batch_size))
        for metric in self.counting if layer in self.before else self.metrics:
            for curve, values in metric.measure_layer(layer, module, x).items():
                self._put(curve, {layer: values})

    def _measure_norm(self, layer: str) -> None:
        for metric in self.counting:
            for curve, values in metric.measure_norm(layer).items():
                self._put(curve, {layer: values})

"""A network of convolutions, poolings and linear layers, one after another, in the order of a list."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import inf, isfinite

from spikingjelly.activation_based.layer import Dropout, SeqToANNContainer, VotingLayer
from torch import Tensor, nn

from snnx.layer.max_pool import MaxPool
from snnx.layer.mean_pool import MeanPool
from snnx.layer.normed import Normed
from snnx.layer.sum_pool import SumPool
from snnx.neuron.with_threshold import with_threshold
from snnx.norm.batch import Batch
from snnx.norm.none import NoNorm
from snnx.norm.norm import MakesNorm, threshold_of

POOLS = {"A": lambda: MeanPool(), "M": lambda: MaxPool(), "G": lambda: nn.AdaptiveAvgPool2d(1)}
LETTERS = (
    "A (average pooling), M (maximum pooling), G (mean over the image), P (a pooling that fires), "
    "S (a stride of 2 for the next one) or D (dropout)"
)


class Chain(nn.Module):
    """3x3 convolutions with a norm and neurons, poolings and dropouts in the order of a list, then linear layers.

        x      = sn(norm(conv3x3(x)))       for a number in `layers`; with a stride of 2 after S
        x      = pool(x)                    2x2 average for A, 2x2 maximum for M, mean over the image for G
        x      = sn(pool(norm(conv3x3(x)))) for both, with `pool_first`
        x      = sn(pool_weight*sum(x))     for P, over 2x2 windows; these neurons have the threshold `pool_threshold`
        x      = dropout(x)                 for D; all time steps have the same mask
        x      = sn(fc(x))                  for a number in `hidden`, from the flattened map
        scores = out(x)                     or the mean of `votes` neurons for each class, sn(norm(out(x)))

    Many published networks are such a chain, for example VGGSNN: 64, 128, A, 256, 256, A, 512, 512, A, 512, 512, A. The options
    `cifarnet`, `vggsnn`, `plif_net`, `vgg9_bntt`, `vgg11_nda` and `vgg16_diet` are this class with their arguments.

    Convolutions start with normal weights of variance `2 / (9 * channels of the output)`, as in the code of TET, NDA, Diet-SNN
    and Hybrid training.

    Shape:
        `[T, B, C, H, W]` to `[T, B, classes]`.

    Args:
        neuron: makes one neuron layer for input `[T, B, *]`.
        in_shape: `(C, H, W)` of the encoding's output; A, M and P halve H and W and drop an odd row or column, S rounds up.
        classes: number of scores.
        width: factor on every number of channels and hidden width, > 0.
        layers: numbers of channels, and the letters A, M, G, P, S and D.
        hidden: widths of the hidden linear layers, and the letter D.
        norm: makes the norm after each convolution; see `MakesNorm`. `True` means batch norm and `False` no norm. In a YAML,
            `true` means the option of the group `norm`.
        hidden_norm: whether the norm also follows each hidden linear layer, and the output layer if it has neurons.
        bias: whether convolutions and linear layers have a bias, also in front of a norm.
        dropout: probability with which D sets a value to 0, in [0, 1).
        votes: number of output neurons for each class, whose spikes are averaged; 0: the outputs are those of the linear layer.
        pool_first: whether A, M or G right after a convolution comes before its neurons, which then read the pooled currents.
        pool_weight: weight of each spike in the sums of P; it does not learn.
        pool_threshold: threshold of the neurons of P, > 0; it replaces the one that `neuron` sets.

    Raises:
        ValueError: an entry of `layers` or `hidden` is not one of the above, `dropout`, `votes`, `pool_weight` or
            `pool_threshold` leaves its range, the image is too small for the poolings, or P has neurons without a threshold or
            that refuse this one.

    Source: the papers named in the YAML files. The votes are those of Fang et al., PLIF, 2021; P is TSSL-BP's, 2020.

    Example:
        >>> import torch
        >>> net = Chain(neuron=nn.ReLU, in_shape=(1, 8, 8), classes=10, layers=[4, "A", 8, "G"], hidden=[16, "D"])
        >>> net(torch.rand(3, 2, 1, 8, 8)).shape, list(dict(net.features.named_children()))
        (torch.Size([3, 2, 10]), ['conv1', 'sn1', 'pool1', 'conv2', 'sn2', 'pool2'])
    """

    def __init__(
        self,
        *,
        neuron: Callable[[], nn.Module],
        in_shape: tuple[int, int, int],
        classes: int,
        width: float = 1.0,
        layers: Sequence[int | str] = (32, "A", 64, "A"),
        hidden: Sequence[int | str] = (),
        norm: MakesNorm | bool = True,
        hidden_norm: bool = False,
        bias: bool = True,
        dropout: float = 0.5,
        votes: int = 0,
        pool_first: bool = False,
        pool_weight: float = 1.1,
        pool_threshold: float = 0.5,
    ) -> None:
        super().__init__()
        _check_entries("layers", layers, [*POOLS, "P", "S", "D"], LETTERS)
        if any(entry == "S" and not isinstance(following, int) for entry, following in pairwise([*layers, None])):
            raise ValueError("Chain: layers must have a number of channels directly after each S; got an S without one")
        _check_entries("hidden", hidden, ["D"], "D (dropout)")
        if not 0 <= dropout < 1:
            raise ValueError(f"Chain: dropout must be in [0, 1); got {dropout}")
        if votes < 0:
            raise ValueError(f"Chain: votes must be at least 0; got {votes}")
        if not 0 < pool_threshold < inf:
            raise ValueError(f"Chain: pool_threshold must be positive and finite; got {pool_threshold}")
        if not isfinite(pool_weight):
            raise ValueError(f"Chain: pool_weight must be finite; got {pool_weight}")
        makes_norm = norm if callable(norm) else Batch if norm else NoNorm
        n_in, height, breadth = in_shape
        stride = 1
        self.features, self.classifier = nn.Sequential(), nn.Sequential()
        waiting: nn.Module | None = None  # the neurons of the last convolution, if they are not in the network yet
        for entry, following in pairwise([*layers, None]):
            if entry == "D":
                _add(self.features, "drop", Dropout(dropout, step_mode="m"))
            elif entry == "S":
                stride = 2
            elif entry in (*POOLS, "P"):
                if min(height, breadth) < 2 and entry != "G":
                    raise ValueError(
                        f"Chain: in_shape must leave at least 2x2 pixels before each pooling; got {in_shape[1]}x{in_shape[2]}; "
                        "use fewer poolings in backbone.layers, or larger images"
                    )
                _add(self.features, "pool", SeqToANNContainer(SumPool(pool_weight) if entry == "P" else POOLS[entry]()))
                if entry == "P":
                    waiting = with_threshold(neuron, float(pool_threshold), name="backbone.pool_threshold")
                    if threshold_of(waiting) is None:
                        raise ValueError(
                            "Chain: neuron must have a threshold for a P in layers; "
                            f"got {type(waiting).__name__}, which has none; use A instead"
                        )
                    _add(self.features, "pool_sn", waiting)
                    waiting = None
                height, breadth = (1, 1) if entry == "G" else (height // 2, breadth // 2)
            else:
                n_out, waiting = max(1, round(entry * width)), neuron()
                after = makes_norm(n_out, v_threshold=threshold_of(waiting), meets_sum=False)
                _add(self.features, "conv", Normed(nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1, bias=bias), after))
                n_in, height, breadth, stride = n_out, -(-height // stride), -(-breadth // stride), 1
            if waiting is not None and not (pool_first and following in POOLS):
                _add(self.features, "sn", waiting)
                waiting = None
        n_in *= height * breadth
        for entry in hidden:
            if entry == "D":
                _add(self.classifier, "drop", Dropout(dropout, step_mode="m"))
                continue
            n_out, sn = max(1, round(entry * width)), neuron()
            linear = nn.Linear(n_in, n_out, bias=bias)
            after = makes_norm(n_out, v_threshold=threshold_of(sn), meets_sum=False) if hidden_norm else None
            _add(self.classifier, "fc", linear if after is None else Normed(linear, after))
            _add(self.classifier, "sn", sn)
            n_in = n_out
        out = nn.Linear(n_in, classes * max(1, votes), bias=bias)
        if votes:
            sn = neuron()
            after = makes_norm(out.out_features, v_threshold=threshold_of(sn), meets_sum=False) if hidden_norm else None
            self.classifier.add_module("out", out if after is None else Normed(out, after))
            self.classifier.add_module("sn_out", sn)
            self.classifier.add_module("vote", VotingLayer(votes, step_mode="m"))
        else:
            self.classifier.add_module("out", out)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(2))


def _check_entries(name: str, entries: Sequence[int | str], letters: Sequence[str], meaning: str) -> None:
    for entry in entries:
        if entry not in letters and not (isinstance(entry, int) and not isinstance(entry, bool) and entry > 0):
            raise ValueError(f"Chain: {name} must have positive numbers of channels, {meaning}; got {entry}")


def _add(layers: nn.Sequential, kind: str, layer: nn.Module) -> None:
    """Append a layer under the name of its kind, numbered from 1: `conv1`, `conv2`."""
    number = 1 + sum(name.rstrip("0123456789") == kind for name, _ in layers.named_children())
    layers.add_module(f"{kind}{number}", layer)

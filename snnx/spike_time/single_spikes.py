"""Checks the layers of a network whose neurons fire at most once."""

from spikingjelly.activation_based.layer import Dropout, VotingLayer
from torch import nn

from snnx.layer.shortcut import Shortcut
from snnx.layer.sum_pool import SumPool
from snnx.norm.none import NoNorm
from snnx.norm.norm import Norm

NORM = "a norm moves spikes in time; set norm=none, or choose backbone=mlp or scnn, which have none"
DROPOUT = "it would scale spike times; leave D out of backbone.layers and backbone.hidden"
OTHER = ": with mlp or scnn leave out norm=, with vgg set norm=none"
BREAKS = {  # layers that a backbone must not contain, and what to do instead
    nn.AvgPool2d: f"an average of spikes is not a spike; choose backbone=mlp, or scnn or vgg with backbone.pool=max{OTHER}",
    SumPool: "a sum of spikes is not a spike; leave P out of backbone.layers",
    Shortcut: f"a sum of spikes is not a spike; choose backbone=mlp, scnn or vgg{OTHER}",
    VotingLayer: "an average of spikes is not a spike; set backbone.votes=0",
    nn.Dropout: DROPOUT,
    Dropout: DROPOUT,
    nn.modules.batchnorm._NormBase: NORM,
    nn.LayerNorm: NORM,
    Norm: NORM,
}


def require_single_spikes(network: nn.Module, *, who: str, biases: bool = False) -> None:
    """Reject a network with a layer whose output is not at most one spike per neuron.

    Args:
        network: the backbone of a method of spike times.
        who: the method, for the message.
        biases: whether layers may have a bias, as before `Ramp` neurons, which know when their window opens.

    Raises:
        ValueError: the network contains average pooling, a pooling that adds up, a shortcut, votes, dropout, a norm, or a bias.
    """
    without_bias = "" if biases else ", and set backbone.bias=false"
    for name, module in network.named_modules():
        for kind, reason in BREAKS.items():
            if isinstance(module, kind) and not isinstance(module, NoNorm):
                what = f"norm; got {name} ({type(module).__name__})" if reason is NORM else f"{kind.__name__}; got {name}"
                raise ValueError(f"{who}: backbone must have no {what}, but {reason}{without_bias}")
    for name, module in network.named_modules():
        if not biases and getattr(module, "bias", None) is not None:
            raise ValueError(f"{who}: backbone must have no bias; got one in {name}; set backbone.bias=false")

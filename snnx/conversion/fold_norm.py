"""Folds batch norms into the layers before them."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from snnx.init.standardised import make_plain
from snnx.neuron.take_norms import release_norms
from snnx.norm.foldable import is_batch_norm, require_foldable


@torch.no_grad()
def fold_norm(network: nn.Module, in_shape: tuple[int, int, int], *, who: str = "fold_norm") -> nn.Module:
    """Return a copy of `network` for inference, with the same outputs, whose batch norms are folded into the layers before.

        w' = (gamma/sqrt(var + eps)) * w,    b' = beta + (gamma/sqrt(var + eps)) * (b - mean)        per output channel

    Args:
        network: takes `[T, B, C, H, W]`; one image of zeros is passed through it to find the layer before each norm.
        in_shape: `(C, H, W)`.
        who: class or option that needs this, with which messages begin.

    Raises:
        ValueError: the network has a norm other than batch norm, or a batch norm whose input is not the output of a convolution
            or linear layer.

    Source: Rueckauer et al., 2017, Eq 7.

    Example:
        >>> from snnx.backbone.convnet import ConvNet
        >>> folded = fold_norm(ConvNet(neuron=nn.ReLU, in_shape=(1, 8, 8), classes=2, channels=[4]), (1, 8, 8))
        >>> folded.stages.conv1
        Normed(
          (0): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
          (1): Identity()
        )
    """
    require_foldable(network, who=who)
    folded = copy.deepcopy(network).eval()
    make_plain(folded)
    release_norms(folded)
    names = {module: name for name, module in folded.named_modules()}
    made: list[tuple[Tensor, nn.Module]] = []
    pairs: dict[nn.Module, nn.Module] = {}

    def meet(norm: nn.Module, given: tuple[Tensor]) -> None:
        before = next((layer for tensor, layer in made if _same(tensor, given[0], layer)), None)
        if before is None:
            raise ValueError(
                f"{who}: backbone must have each batch norm directly after a convolution or linear layer; "
                f"got {names[norm]} of {type(network).__name__}, which follows something else; "
                "use backbone=convnet, vgg, scnn or mlp, or with method=conversion resnet"
            )
        pairs[norm] = before

    hooks = [
        m.register_forward_hook(lambda m, _, y: made.append((y, m))) for m in names if isinstance(m, nn.Conv2d | nn.Linear)
    ]
    hooks += [m.register_forward_pre_hook(meet) for m in names if is_batch_norm(m)]
    parameter = next(folded.parameters())
    folded(torch.zeros(1, 1, *in_shape, dtype=parameter.dtype, device=parameter.device))
    for hook in hooks:
        hook.remove()
    for norm, layer in pairs.items():
        fuse = fuse_linear_bn_eval if isinstance(layer, nn.Linear) else fuse_conv_bn_eval
        folded.set_submodule(names[layer], fuse(layer, norm))
        folded.set_submodule(names[norm], nn.Identity())
    return folded


def _same(made: Tensor, read: Tensor, layer: nn.Module) -> bool:
    """Return whether a norm reads the output of a layer, which may have its first dimensions merged or split in between."""
    kept = 1 if isinstance(layer, nn.Linear) else 3
    same = made.data_ptr() == read.data_ptr() and made.numel() == read.numel()
    return same and made.shape[-kept:] == read.shape[-kept:] and made.stride()[-kept:] == read.stride()[-kept:]

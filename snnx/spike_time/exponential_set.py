"""Computes spike times and gradient of neurons that fire at most once and whose synaptic currents decay exponentially."""

from torch import Tensor
from torch.autograd.function import FunctionCtx

from snnx.spike_time.causal_set import CausalSet, fire


class ExponentialSet(CausalSet):
    """Computes when the neurons of a layer fire, where each input causes a current that decays with the time constant 1.

        V(t) = sum of w_i (1 - exp(-(t - t_i))) over t_i < t       no leak, no reset
        z    = exp(t),  z_i = exp(t_i)
        z    = sum over C of w_i z_i/S                             C = the inputs with z_i < z, S = sum over C of w_i - 1 > 0

    The neuron fires at the first time with `V(t) >= 1`. Written in `z`, it is the equation of `CausalSet` with other constants,
    so the set C is found in the same way, by sorting. Times are given as `a = 1 - z`. Backward, with 1/S limited to `clip`:

        da/da_i = w_i/S        da/dw_i = (a_i - a)/S        for i in C, else 0

    Shape:
        weight `[O, I]` and `a` `[N, I]` to `[N, O]`; `-inf` means that an input or neuron does not fire.

    Source: Mostafa, 2017; Zhou et al., 2021, and its authors' code (zbs881314/Temporal-Coded-Deep-SNN, `MNIST/SNN.py`).

    Example:
        >>> import torch
        >>> weight, z = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 2.0]])
        >>> 1 - ExponentialSet.apply(weight, 1 - z, None)          # (1 * 1 + 2 * 2)/(3 - 1); the first input alone is too weak
        tensor([[2.5000]])
    """

    @staticmethod
    def forward(ctx: FunctionCtx, weight: Tensor, activation: Tensor, clip: float | None) -> Tensor:
        """Compute the activations; the arguments are those of `CausalSet`."""
        return fire(ctx, weight, activation, clip, reach=0.0, lost=1.0)

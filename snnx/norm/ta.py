"""Batch norm, and a factor for each step that depends on the activity of all steps: temporal-wise attention."""

from torch import Tensor, nn

from snnx.norm.batch import Batch
from snnx.norm.norm import Norm, require_steps


class TA(Norm):
    """Batch norm, whose output is multiplied by a score of each step and sample, from 0 to 1.

        z        = batch norm of x                                mean and var over T, B and *
        q[b, t]  = mean of z[t, b] over C and *
        score[b] = sigmoid(W2 relu(W1 q[b] + b1) + b2)            W1: [n, T], W2: [T, n], n = max(1, T // reduction)
        y[t, b]  = score[b, t]*z[t, b]

    A step reads all steps, also later ones, so a network of these norms gives no answer before its last step, and
    `metric=anytime`, `decision`, `early_exit` and `relative_energy` are refused. The factors depend on the sample, so it cannot
    be folded into the layer before it.

    Shape:
        `[T, B, C, *]` to the same, with T = `timesteps`.

    Args:
        channels: number of channels C.
        timesteps: number of steps T, at least 1.
        reduction: number of steps for one hidden unit of the score, at least 1.
        v_threshold, meets_sum: not used.

    Raises:
        ValueError: `timesteps` or `reduction` is below 1, or the input has another number of steps.

    Source: Yao et al., Temporal-wise Attention Spiking Neural Networks for Event Streams Classification, 2021, by the authors'
        code, BICLab/TA-SNN, `module/TA.py` and `module/LIF_Module.py`. It pools before the scores, which gives the same for
        average pooling of whole windows. SpikingJelly's `TemporalWiseAttention` also reads maxima, and has no biases.

    Example:
        >>> import torch
        >>> norm = TA(1, timesteps=2)
        >>> for layer in (norm.squeeze, norm.excite):
        ...     _ = layer.weight.data.zero_()
        >>> _ = norm.excite.bias.data.copy_(torch.tensor([0.0, 100.0]))                     # scores 1/2 and 1
        >>> norm(torch.tensor([[[1.0]], [[3.0]]])).flatten().detach().round(decimals=3).tolist()       # z: -1, 1
        [-0.5, 1.0]
    """

    reads_later_steps = True

    def __init__(
        self,
        channels: int,
        *,
        timesteps: int,
        reduction: int = 16,
        v_threshold: float | None = 1.0,
        meets_sum: bool = False,
    ) -> None:
        super().__init__()
        for name, value in (("timesteps", timesteps), ("reduction", reduction)):
            if value < 1:
                raise ValueError(f"TA: {name} must be at least 1; got {value}")
        self.timesteps = timesteps
        self.bn = Batch(channels)
        hidden = max(1, timesteps // reduction)
        self.squeeze, self.excite = nn.Linear(timesteps, hidden), nn.Linear(hidden, timesteps)

    def forward(self, x: Tensor) -> Tensor:
        require_steps(self, len(x))
        z = self.bn(x)
        score = self.excite(self.squeeze(z.flatten(2).mean(2).T).relu()).sigmoid().T
        return z * score.view(*score.shape, *[1] * (z.ndim - 2))

"""Measures the share of values that are not zero, in an image and in its encoding."""

from torch import Tensor

from snnx.metric.metric import Metric


class NonzeroInput(Metric):
    """The percentage of non-zero values in the image and in its encoding, both listed under the layer name `input`.

        nonzero_pixel_percent    = 100 * #{pixel != 0} / pixels
        nonzero_input_percent[t] = 100 * #{encoded[t] != 0} / values

    Source: Direct Training of Spiking Transformers, Figure 14 (pixels).

    Example:
        >>> import torch
        >>> seen = NonzeroInput().measure_input(torch.tensor([[0.0, 1.0]]), torch.tensor([[[0.0, 0.0]], [[0.0, 1.0]]]))
        >>> {curve: places["input"].flatten().tolist() for curve, places in seen.items()}
        {'nonzero_pixel_percent': [50.0, 50.0], 'nonzero_input_percent': [0.0, 50.0]}
    """

    over_samples = {"nonzero_pixel_percent": "mean", "nonzero_input_percent": "mean"}
    exact = ("nonzero_pixel_percent",)

    def measure_input(self, images: Tensor, encoded: Tensor) -> dict[str, dict[str, Tensor]]:
        pixels = 100 * (images.flatten(1) != 0).float().mean(1)
        return {
            "nonzero_pixel_percent": {"input": pixels.expand(encoded.shape[0], -1)},
            "nonzero_input_percent": {"input": 100 * (encoded.flatten(2) != 0).float().mean(2)},
        }

"""Curves that are not time series: histograms and pictures. The report draws each kind in its own figure.

This module does not import torch, because the report imports it.
"""

from typing import NamedTuple


class Bins(NamedTuple):
    """`count` bins of equal width from `low` to `high`; values outside count in the first or the last bin."""

    low: float
    high: float
    count: int

    @property
    def centres(self) -> list[float]:
        """The middle of each bin.

        Example:
            >>> Bins(0, 1, 2).centres
            [0.25, 0.75]
        """
        width = (self.high - self.low) / self.count
        return [self.low + (index + 0.5) * width for index in range(self.count)]


HISTOGRAMS = {
    "attention_score_histogram": Bins(-0.5, 32.5, 33),
    "potential_histogram": Bins(-4, 4, 64),
    "weight_gradient_histogram": Bins(-12, 2, 56),  # of log10 |dL/dw|
}
PICTURES = ("attention_map_before", "attention_map", "denoiser_curve", "denoiser_table", "spike_raster")

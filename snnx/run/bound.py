"""States by how much the first loss of a run may differ if another machine computes it."""

import torch

BOUNDS = {
    "cpu": {"32-true": 1e-5, "bf16-mixed": 2e-2, "16-mixed": 2.5e-3},
    "cuda": {"32-true": 1e-4, "bf16-mixed": 2e-2, "16-mixed": 2.5e-3},
}
"""Largest relative difference of the first loss on another machine, by type of device and precision.

If a few thousand products are summed in another order, the result differs by about 1e-6 in float32. On a GPU, cuDNN chooses the
algorithm of a convolution, and the error of a fast one is about ten times as large. One rounding to bfloat16 is 4e-3 and to
float16 5e-4, and five of them are allowed.
"""
MATMUL = {"highest": 0.0, "high": 2.5e-3, "medium": 2e-2}
"""The same for what `matmul` allows in float32 products: TF32, which rounds as float16 does, or bfloat16."""
OTHER_BOUND = 2e-2
"""The same for every other precision and device."""


def bound(config: dict, recorded_on: str = "cpu") -> float:
    """Return the largest relative difference that another machine may cause by itself: the larger one of two devices.

    Args:
        config: a resolved configuration as plain dicts.
        recorded_on: the device of the record, as `result.json` describes it; only its first word counts.

    Example:
        >>> bound({"trainer": {"precision": "32-true", "accelerator": "cpu"}})
        1e-05
        >>> bound({"trainer": {"precision": "32-true", "accelerator": "cpu"}}, "cuda (NVIDIA A100), 8 threads")
        0.0001
        >>> bound({"trainer": {"precision": "32-true", "accelerator": "cpu"}, "matmul": "high"})
        0.0025
    """
    precision = str(config["trainer"].get("precision", "32-true"))
    devices = (recorded_on.split()[0], device_now(config))
    widest = max(BOUNDS.get(device, {}).get(precision, OTHER_BOUND) for device in devices)
    return max(widest, MATMUL[str(config.get("matmul", "highest"))])


def device_now(config: dict) -> str:
    """Return the type of device on which this machine computes a run."""
    return "cuda" if config["trainer"].get("accelerator") != "cpu" and torch.cuda.is_available() else "cpu"

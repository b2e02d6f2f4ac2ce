"""Sets how exactly products and convolutions in float32 are computed."""

import torch


def set_matmul(mode: str) -> None:
    """Choose how products and convolutions in float32 are computed: exactly, or with fewer bits, for the whole process.

    Args:
        mode: `highest` is float32 everywhere. With `high`, a GPU uses TF32, which has 10 bits of mantissa, in both. With
            `medium` it may also use bfloat16 in products; so does a CPU that has instructions for it.

    Example:
        >>> set_matmul("high")
        >>> torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        ('high', True)
        >>> set_matmul("highest")
    """
    torch.set_float32_matmul_precision(mode)
    torch.backends.cudnn.allow_tf32 = mode != "highest"  # torch's own default is to allow TF32 in convolutions

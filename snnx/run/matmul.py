"""How a GPU computes products and convolutions in float32."""

import torch


def set_matmul(mode: str) -> None:
    """Choose how a GPU computes products and convolutions in float32: exactly, or with TF32, which has 10 bits of mantissa.

    Args:
        mode: `highest` is float32 everywhere; `high` is TF32 in both; `medium` is also bfloat16 in products.

    Example:
        >>> set_matmul("high")
        >>> torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
        ('high', True)
        >>> set_matmul("highest")
    """
    torch.set_float32_matmul_precision(mode)
    torch.backends.cudnn.allow_tf32 = mode != "highest"  # torch allows TF32 in convolutions unless it is told not to

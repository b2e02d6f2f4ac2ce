"""The two ways to compute attention give the same numbers."""

import pytest
import torch
from torch.nn import functional as F

from snnx.backbone.vit import Attention, attend


def heads(dtype):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(6, 2, 17, 8, generator=generator).to(dtype).requires_grad_() for _ in range(3)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_equals_torchs_attention_in_float32(dtype):
    """bfloat16 has 8 bits and float16 has 11, so results of size 1 may differ by a few units in the last place."""
    bound = {torch.float32: 1e-6, torch.bfloat16: 0.03, torch.float16: 0.005}[dtype]
    q, k, v = heads(dtype)
    wide = [x.detach().float().requires_grad_() for x in (q, k, v)]
    y, expected = attend(q, k, v), F.scaled_dot_product_attention(*wide)
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), expected, rtol=0, atol=bound)
    weight = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    (y * weight.to(dtype)).sum().backward()
    (expected * weight).sum().backward()
    for ours, theirs in zip((q, k, v), wide, strict=True):
        torch.testing.assert_close(ours.grad.float(), theirs.grad, rtol=0.05, atol=2 * bound)


def test_a_layer_under_autocast_is_close_to_float32():
    torch.manual_seed(0)
    layer, x = Attention(32, 4), torch.randn(2, 3, 17, 32)
    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x)
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.float(), layer(x), rtol=0, atol=0.01)


def test_fused_attention_is_not_used_in_bfloat16(monkeypatch):
    def refuse(*_):
        raise AssertionError("torch's fused attention ran")

    monkeypatch.setattr(F, "scaled_dot_product_attention", refuse)
    attend(*heads(torch.bfloat16))
    with pytest.raises(AssertionError, match="fused attention ran"):
        attend(*heads(torch.float32))

"""Linear-kernel attention against a literal loop over queries and keys."""

import math

import pytest
import torch

from gaincell.config import HeadConfig
from gaincell.ml.evaluate.linear_kernel import CHUNK, feature, linear_kernel_attention


def head(window, sink):
    return HeadConfig(head_dim=4, window=window, columns=window, sink=sink)


def drawn(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(5)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def literal(q, k, v, window, sink, starts):
    """The definition, one query and one key at a time."""
    batch, heads, tokens, dims = q.shape
    kept, keys = k.shape[1:3]
    y = torch.zeros_like(q)

    def phi(x):
        return [value + 1 if value > 0 else math.exp(value) for value in x.tolist()]

    for row in range(batch):
        for h in range(heads):
            own = h // (heads // kept)
            for t in range(tokens):
                position = keys - tokens + t
                total, mean = 0.0, [0.0] * dims
                for s in range(starts[row], position + 1):
                    if position - s >= window and s - starts[row] >= sink:
                        continue
                    pairs = zip(phi(q[row, h, t]), phi(k[row, own, s]), strict=True)
                    weight = sum(a * b for a, b in pairs)
                    total += weight
                    mean = [
                        m + weight * x for m, x in zip(mean, v[row, own, s].tolist(), strict=True)
                    ]
                if total:
                    y[row, h, t] = torch.tensor([m / total for m in mean], dtype=q.dtype)
    return y


@pytest.mark.parametrize("starts", [None, [0, 3], [6, 1]])
@pytest.mark.parametrize(("window", "sink"), [(1, 0), (3, 0), (3, 2), (5, 1), (20, 0)])
@pytest.mark.parametrize(("tokens", "keys"), [(1, 1), (1, 9), (9, 9), (4, 11)])
def test_equals_a_literal_loop(tokens, keys, window, sink, starts):
    q, k, v = drawn(2, 4, tokens, 4), drawn(2, 2, keys, 4) * 2, drawn(2, 2, keys, 4)
    start = None if starts is None else torch.tensor(starts)
    found = linear_kernel_attention(q, k, v, head(window, sink), start)
    wanted = literal(q, k, v, window, sink, starts or [0, 0])
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_without_a_config_every_earlier_token_is_seen():
    q, k, v = drawn(1, 2, 7, 4), drawn(1, 2, 7, 4) * 2, drawn(1, 2, 7, 4)
    torch.testing.assert_close(
        linear_kernel_attention(q, k, v), literal(q, k, v, 7, 0, [0]), rtol=1e-12, atol=1e-12
    )


def test_chunks_of_queries_do_not_show():
    tokens = CHUNK + 5
    q, k, v = drawn(1, 1, tokens, 4), drawn(1, 1, tokens, 4) * 2, drawn(1, 1, tokens, 4)
    found = linear_kernel_attention(q, k, v, head(7, 2))
    torch.testing.assert_close(found, literal(q, k, v, 7, 2, [0]), rtol=1e-12, atol=1e-12)


def test_weights_are_never_negative_and_never_all_zero():
    """Far below 0, where elu(x) + 1 itself rounds to 0 in float32."""
    assert feature(torch.tensor(-40.0)) == pytest.approx(math.exp(-40))
    q = k = torch.full((1, 1, 3, 4), -40.0)
    v = torch.tensor([1.0, 2.0, 6.0])[None, None, :, None].expand(1, 1, 3, 4)
    y = linear_kernel_attention(q, k, v)
    torch.testing.assert_close(y[0, 0, :, 0], torch.tensor([1.0, 1.5, 3.0]))


def test_half_precision_sums_in_float32():
    q, k, v = (drawn(1, 1, 40, 4, dtype=torch.bfloat16) for _ in range(3))
    found = linear_kernel_attention(q, k, v)
    assert found.dtype == torch.bfloat16
    wide = linear_kernel_attention(q.float(), k.float(), v.float())
    assert torch.equal(found, wide.to(torch.bfloat16))


def test_refuses_tensors_that_do_not_fit():
    q = drawn(1, 3, 4, 4)
    with pytest.raises(ValueError, match="multiple of the 2 of k"):
        linear_kernel_attention(q, drawn(1, 2, 4, 4), drawn(1, 2, 4, 4))

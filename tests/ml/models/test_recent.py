"""Recent tokens beside the arrays against one softmax over all logits of a query."""

import pytest
import torch

from gaincell.ml.models.beside.recent import Recent

SCALE = 0.3


def tensors(tokens, batch=2, heads=4, kv_heads=2, dims=8):
    generator = torch.Generator().manual_seed(tokens)
    shapes = ((heads, dims), (kv_heads, dims), (kv_heads, dims))
    q, k, v = (
        torch.randn(batch, count, tokens, dims, generator=generator, dtype=torch.float64)
        for count, dims in shapes
    )
    return q, k, v, torch.randn(batch, heads, tokens, generator=generator, dtype=torch.float64)


def expected(q, k, v, rest, recent, reach=None):
    """(H, T, D) and (H, T) of one sequence: every query by itself."""
    y, share = torch.zeros_like(q), torch.zeros_like(rest)
    for head in range(len(q)):
        keys, values = (x[head * len(k) // len(q)] for x in (k, v))
        for t in range(q.shape[1]):
            seen = list(range(max(0, t - recent + 1), t + 1))
            if seen[0] > 0 and (reach is None or t < reach):
                seen.append(0)
            logits = [float(q[head, t] @ keys[n]) * SCALE for n in seen]
            if t > recent:
                logits.append(float(rest[head, t]))
            weights = torch.tensor(logits, dtype=torch.float64).softmax(0)
            y[head, t] = sum(weight * values[n] for weight, n in zip(weights, seen, strict=False))
            share[head, t] = weights[-1] if t > recent else 0.0
    return y, share


@pytest.mark.parametrize("recent", [1, 2, 5, 64, 200])
@pytest.mark.parametrize("tokens", [1, 7, 130])
def test_it_is_a_softmax_with_one_weight_for_all_stored_tokens(tokens, recent):
    q, k, v, rest = tensors(tokens)
    y, share = Recent.of_text(k, v, recent).softmax(q, rest, SCALE)
    for row in range(2):
        wanted = expected(q[row], k[row], v[row], rest[row], recent)
        torch.testing.assert_close((y[row], share[row]), wanted, rtol=1e-5, atol=1e-6)


def test_a_short_text_gets_softmax_itself_and_nothing_is_stored():
    q, k, v, rest = tensors(9)
    near = Recent.of_text(k, v, 16)
    wanted = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, is_causal=True, scale=SCALE, enable_gqa=True
    )
    y, share = near.softmax(q, rest, SCALE)
    torch.testing.assert_close(y, wanted, rtol=1e-5, atol=1e-6)
    assert not near.stored.any()
    assert not share.any()


def test_the_model_s_own_window_hides_the_first_token():
    q, k, v, rest = tensors(30)
    y, share = Recent.of_text(k, v, 4).softmax(q, rest, SCALE, reach=20)
    wanted = expected(q[0], k[0], v[0], rest[0], 4, reach=20)
    torch.testing.assert_close((y[0], share[0]), wanted, rtol=1e-5, atol=1e-6)


def test_a_padded_row_gives_what_it_gives_alone():
    q, k, v, rest = tensors(40)
    starts = torch.tensor([0, 13])
    y, _ = Recent.of_text(k, v, 3, starts).softmax(q, rest, SCALE)
    alone = Recent.of_text(k[1:, :, 13:], v[1:, :, 13:], 3)
    wanted, _ = alone.softmax(q[1:, :, 13:], rest[1:, :, 13:], SCALE)
    torch.testing.assert_close(y[1:, :, 13:], wanted)
    assert y.isfinite().all()


def test_the_arrays_get_each_token_when_it_is_recent_no_more():
    _, k, v, _ = tensors(10)
    near = Recent.of_text(k, v, 3, torch.tensor([0, 2]))
    keys, values, begin = near.to_arrays()
    assert begin.tolist() == [4, 6]
    assert torch.equal(keys[:, :, 3:], k[:, :, :-3])
    assert torch.equal(values[:, :, 3:], v[:, :, :-3])
    assert near.stored[0].tolist() == [0, 0, 0, 0, 1, 2, 3, 4, 5, 6]
    assert near.stored[1].tolist() == [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]


def test_queries_of_the_last_tokens_only():
    q, k, v, rest = tensors(25)
    whole, _ = Recent.of_text(k, v, 4).softmax(q, rest, SCALE)
    last, _ = Recent.of_text(k, v, 4, tokens=6).softmax(q[:, :, -6:], rest[:, :, -6:], SCALE)
    torch.testing.assert_close(last, whole[:, :, -6:])

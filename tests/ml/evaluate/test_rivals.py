"""Attention from quantised and from few keys and values, against loops over single numbers."""

import math

import pytest
import torch
from tiny_models import HEAD, MODELS

from gaincell.config import HeadConfig
from gaincell.ml.attention.softmax import softmax_attention
from gaincell.ml.evaluate.rivals import (
    FIRST,
    GROUP,
    kivi_attention,
    quantised,
    rival_attention,
    sinks_of,
)
from gaincell.ml.evaluate.stored_bytes import bytes_per_token
from gaincell.ml.models.convert import convert


def draw(tokens_, heads=4, own=2, dims=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(1, heads, tokens_, dims), (1, own, tokens_, dims), (1, own, tokens_, dims)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def level(values, index, bits):
    """One of ``values`` as its group stores it."""
    low, high = min(values), max(values)
    step = (high - low) / (2**bits - 1)
    return low + round((values[index] - low) / step) * step


def literal_kivi(q, k, v, bits):
    """The output of the newest query of one head, number by number: q (D,), k and v (S, D)."""
    count, dims = k.shape
    newest = count - 1
    keys, values = k.tolist(), v.tolist()
    whole = newest // GROUP * GROUP
    for channel in range(dims):
        for first in range(0, whole, GROUP):
            column = [k[first + n, channel].item() for n in range(GROUP)]
            for n in range(GROUP):
                keys[first + n][channel] = level(column, n, bits)
    for token in range(newest - GROUP):
        for first in range(0, dims, GROUP):
            part = v[token, first : first + GROUP].tolist()
            for n in range(GROUP):
                values[token][first + n] = level(part, n, bits)
    scores = [math.fsum(a * b for a, b in zip(q.tolist(), row, strict=True)) for row in keys]
    weights = [math.exp(score / math.sqrt(dims)) for score in scores]
    total = math.fsum(weights)
    return [
        math.fsum(w * row[channel] for w, row in zip(weights, values, strict=True)) / total
        for channel in range(dims)
    ]


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("count", [1, GROUP, GROUP + 1, 2 * GROUP + 5, 3 * GROUP])
def test_kivi_is_the_loop_over_numbers(bits, count):
    q, k, v = draw(count)
    found = kivi_attention(q, k, v, bits)[0, 3, -1]
    expected = literal_kivi(q[0, 3, -1], k[0, 1], v[0, 1], bits)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=found.dtype))


def test_kivi_of_the_last_queries_is_that_of_all():
    q, k, v = draw(90)
    whole = kivi_attention(q, k, v, 2)
    for last in (1, 20, 40):
        part = kivi_attention(q[:, :, -last:], k, v, 2)
        torch.testing.assert_close(part, whole[:, :, -last:])


def test_more_bits_come_closer_to_softmax_and_recent_tokens_are_exact():
    q, k, v = draw(200)
    exact = softmax_attention(q, k, v, None)
    errors = [float((kivi_attention(q, k, v, bits) - exact).abs().mean()) for bits in (2, 4, 8)]
    assert errors[0] > 2 * errors[1] > 8 * errors[2]
    found = kivi_attention(q, k, v, 2)
    torch.testing.assert_close(found[:, :, :GROUP], exact[:, :, :GROUP])
    assert not torch.allclose(found[:, :, 2 * GROUP], exact[:, :, 2 * GROUP])


def test_levels_hold_the_ends_of_a_group_and_a_group_of_equal_numbers():
    x = torch.arange(2.0 * GROUP).view(1, 1, 2 * GROUP, 1)
    found = quantised(x, 1, 2).flatten()
    assert found.unique().tolist() == [0, GROUP - 1, GROUP, 2 * GROUP - 1]
    same = torch.full((1, 1, GROUP + 3, 2), 0.7)
    torch.testing.assert_close(quantised(same, 2, 2), same)


def test_sinks_see_as_many_tokens_as_fit_in_the_bits_of_the_arrays():
    reach = sinks_of(HeadConfig())
    assert reach.stored_columns * 2 * 16 == 1024 * (3 + 3)
    assert reach.sink == FIRST
    q, k, v = draw(40)
    head = HeadConfig(head_dim=64, window=64, columns=64)  # 12 tokens: 4 and 8
    found = rival_attention("sinks", q, k, v, head)
    hidden = v.clone()
    hidden[:, :, FIRST : 40 - 8] = 1e6
    again = rival_attention("sinks", q, k, hidden, head)
    torch.testing.assert_close(found[:, :, -1], again[:, :, -1])


@pytest.mark.parametrize("attention", ["sinks", "kivi-2"])
def test_padding_on_the_left_changes_nothing(attention):
    q, k, v = draw(70)
    pad = torch.full((1, 4, 7, 64), 9.0, dtype=torch.float64)
    padded = torch.cat([pad, q], 2), *(torch.cat([pad[:, :2], each], 2) for each in (k, v))
    found = rival_attention(attention, *padded, HeadConfig(), torch.tensor([7]))
    torch.testing.assert_close(found[:, :, 7:], rival_attention(attention, q, k, v, HeadConfig()))
    assert not found[:, :, :7].any()


def test_bytes_count_every_layer():
    model = convert(next(iter(MODELS.values()))(), HEAD, layers=[0, 2])
    config = model.config
    own = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    exact = own * 2 * HEAD.head_dim * 2
    codes = config.num_attention_heads * HEAD.head_dim * (HEAD.key_bits + HEAD.value_bits) / 8
    assert bytes_per_token(model, "stock") == bytes_per_token(model, "sinks") == 3 * exact
    assert bytes_per_token(model, "converted") == exact + 2 * codes
    assert bytes_per_token(model, "linear-kernel") is None
    # 2 bits, and 32 for each group of 32: 3 bits a number.
    assert bytes_per_token(model, "kivi-2") == exact + 2 * own * 2 * HEAD.head_dim * 3 / 8

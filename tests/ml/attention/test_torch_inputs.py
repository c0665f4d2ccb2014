"""Padding, wrong inputs, and softmax in the same function."""

import pytest
import torch
from token_codes import GEOMETRIES, assert_covers
from torch_heads import code_tensors, random_units, truth, units

from gaincell.config import HeadConfig
from gaincell.ml.attention import attend_codes, attention, softmax
from gaincell.ml.attention.checks import start_of_mask

CONFIG = GEOMETRIES["odd sizes, one sink token"]
STARTS = [0, 9, 30, 9, 70]


def padded(tokens: int = 70):
    rows = [code_tensors(CONFIG, tokens, seed=61 + row, heads=2) for row in range(len(STARTS))]
    return units([torch.cat(each) for each in zip(*rows, strict=True)], CONFIG, torch.float64)


@pytest.mark.parametrize("kind", ["hardware", "linear", "softmax"])
def test_left_padded_rows_give_the_outputs_and_gradients_of_rows_without_padding(kind):
    inputs = [x.requires_grad_() for x in padded()]
    y = attention(*inputs, CONFIG, kind=kind, start=torch.tensor(STARTS))
    gradients = torch.autograd.grad(y.square().sum(), inputs)
    for row, start in enumerate(STARTS):
        own = [x[row : row + 1, :, start:].detach().requires_grad_() for x in inputs]
        alone = attention(*own, CONFIG, kind=kind)
        assert torch.equal(y[row, :, start:], alone[0])
        assert not y[row, :, :start].any()
        if start == 70:
            continue
        expected = torch.autograd.grad(alone.square().sum(), own)
        for found, wanted in zip(gradients, expected, strict=True):
            torch.testing.assert_close(found[row : row + 1, :, start:], wanted)
            assert not found[row, :, :start].any()
    if kind != "softmax":
        assert_covers(y[0].detach().numpy())


def test_padding_of_the_past_serves_queries_of_the_last_tokens():
    q, k, v = padded()
    start = torch.tensor(STARTS)
    whole = attention(q, k, v, CONFIG, start=start)
    last = attention(q[:, :, 60:], k, v, CONFIG, start=start)
    assert torch.equal(last, whole[:, :, 60:])


def test_right_padding_changes_no_earlier_output():
    q, k, v = padded()
    whole = attention(q, k, v, CONFIG)
    assert torch.equal(attention(*(x[:, :, :33] for x in (q, k, v)), CONFIG), whole[:, :, :33])


def test_codes_take_starts_too():
    codes = code_tensors(CONFIG, 50, seed=66)
    y = attend_codes(*codes, CONFIG, start=torch.tensor([7]))
    assert torch.equal(y[:, :, 7:], truth([x[:, :, 7:] for x in codes], CONFIG)[0])


def test_start_of_a_mask_is_the_first_real_token():
    mask = torch.tensor([[1, 1, 1], [0, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]])
    assert start_of_mask(mask).tolist() == [0, 1, 0, 1, 3]
    assert start_of_mask(mask.bool()).tolist() == [0, 1, 0, 1, 3]


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        ([[1, 0, 1]], ValueError, "row 0 of the padding mask has a gap between real tokens"),
        ([[1, 2, 1]], ValueError, "the padding mask must hold only 0 and 1"),
        ([1, 1], TypeError, "must be a tensor"),
    ],
)
def test_refuses_a_mask_that_is_no_padding(mask, error, message):
    with pytest.raises(error, match=message):
        start_of_mask(torch.tensor(mask))


def refused(changes: dict, error: type[Exception], message: str) -> None:
    shape = (2, 4, 6, CONFIG.head_dim)
    arguments = {"q": torch.rand(shape), "k": torch.rand(shape), "v": torch.rand(shape)}
    arguments |= {"config": CONFIG} | changes
    with pytest.raises(error, match=message) as caught:
        attention(**arguments)
    assert "\n" not in str(caught.value)


GOOD = (2, 4, 6, CONFIG.head_dim)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"q": [1.0]}, TypeError, "q is list, but must be a tensor"),
        ({"k": torch.zeros(GOOD).long()}, TypeError, "k is torch.int64, but must be float64"),
        (
            {"v": torch.zeros(GOOD).double()},
            TypeError,
            "v is torch.float64, but q is torch.float32",
        ),
        ({"q": torch.zeros(4, 6, 5)}, ValueError, r"q has shape \(4, 6, 5\), but must be \(batch"),
        ({"v": torch.zeros(2, 4, 7, 5)}, ValueError, "v has shape .* but must have the shape of k"),
        ({"q": torch.zeros(1, 4, 6, 5)}, ValueError, r"k has shape .* but must be \(1, heads"),
        ({"q": torch.zeros(2, 3, 6, 5)}, ValueError, "q has 3 heads, but must have a multiple"),
        (
            {"q": torch.zeros(2, 4, 7, 5)},
            ValueError,
            "k has 6 tokens, but must have at least the 7",
        ),
        ({"config": HeadConfig()}, ValueError, "q has 5 dimensions, but head_dim .* is 64"),
        ({"config": None}, ValueError, 'config is None, but kind "hardware" needs'),
        ({"kind": "cubic"}, ValueError, "kind is 'cubic', but must be"),
        ({"backward": "cubic"}, ValueError, "backward is 'cubic', but must be"),
        ({"offset": 1.0}, TypeError, "offset is 1.0, but must be an integer"),
        ({"offset": -1}, ValueError, "offset is -1, but must be at least 0"),
        ({"offset": 3}, ValueError, "k begins at position 3, but the query at 3 still sees"),
        ({"start": [0, 0]}, TypeError, "start must be a tensor of integers"),
        ({"start": torch.tensor([0])}, ValueError, r"start has shape \(1,\), but must be \(2,\)"),
        ({"start": torch.tensor([0, 7])}, ValueError, r"start holds 7, but must be 0\.\.6"),
        (
            {"config": HeadConfig(head_dim=5, window=21, columns=7, age_mode="time")},
            ValueError,
            'age_mode is "time", but torch counts age in tokens',
        ),
    ],
)
def test_refuses_in_one_sentence(changes, error, message):
    refused(changes, error, message)


def test_refuses_codes_that_are_none():
    codes = code_tensors(CONFIG, 5, seed=67)
    with pytest.raises(TypeError, match="q must be a tensor of integer codes"):
        attend_codes(codes[0].double(), codes[1], codes[2], CONFIG)
    with pytest.raises(ValueError, match=r"v holds codes beyond 0\.\.7"):
        attend_codes(codes[0], codes[1], codes[2] + 1, CONFIG)


@pytest.mark.parametrize("queries", [1, 20, 300])
@pytest.mark.parametrize("sink", [0, 3])
def test_softmax_sees_the_window_and_the_sink(queries, sink):
    config = HeadConfig(head_dim=5, window=24, columns=6, sink=sink)
    shape = (2, 2, 300, 5)
    q, k, v = random_units((2, 4, 300, 5), shape, shape, seed=68)
    position = torch.arange(300)
    age = position[:, None] - position
    seen = (age >= 0) & ((age < 24) | (position < sink))
    scores = (6 * q) @ k.repeat_interleave(2, dim=1).transpose(2, 3) / 5**0.5
    weights = scores.masked_fill(~seen, -torch.inf).softmax(dim=3)
    expected = (weights @ v.repeat_interleave(2, dim=1))[:, :, -queries:]
    y = attention(6 * q[:, :, -queries:], k, v, config, kind="softmax")
    torch.testing.assert_close(y, expected)
    assert softmax.softmax_attention(q[:, :, :0], k, v, config).shape[2] == 0


@pytest.mark.parametrize("queries", [1, 7, 40])
def test_softmax_without_a_config_is_the_stock_one(queries):
    shape = (2, 3, 40, 8)
    q, k, v = random_units(shape, shape, shape, seed=69)
    stock = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3)
    y = attention(q[:, :, -queries:], k, v, None, kind="softmax", scale=0.3)
    torch.testing.assert_close(y, stock[:, :, -queries:])

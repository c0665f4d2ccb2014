"""The torch op against attend, code by code."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from token_codes import GEOMETRIES, assert_covers
from torch_heads import code_tensors, truth, units

from gaincell.behavioral.tokens import shipped_tokens
from gaincell.config import HeadConfig
from gaincell.design_file import design_of, shipped_designs
from gaincell.ml.attention import attend_codes, attention, parts

GAIN = HeadConfig(score_saturation=40.0, output_saturation=12.0)
"""The paper's sizes with more gain: on random codes phi and read-outs reach both of their ends."""


@cache
def truth_of(name: str) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Codes of two heads over more than five windows, and their y codes in numpy, without ties.

    Attention is causal: the first tokens of y are y of the first tokens.
    """
    config = GEOMETRIES[name]
    codes = code_tensors(config, max(24, 5 * config.window), seed=11, heads=2)
    expected, ties = truth(codes, config)
    assert ties == 0
    return codes, expected


@cache
def full_size_truth() -> tuple[list[torch.Tensor], torch.Tensor]:
    """As ``truth_of``, of one head of the paper's sizes over 2.5 windows."""
    codes = code_tensors(GAIN, 2500, seed=12)
    expected, ties = truth(codes, GAIN)
    assert ties == 0
    return codes, expected


@cache
def leaky_truth(retention_s: float) -> tuple[HeadConfig, list[torch.Tensor], torch.Tensor]:
    """A small head whose cells leak, its codes over 15 windows, and their y codes in numpy."""
    config = HeadConfig(
        head_dim=4,
        window=9,
        columns=3,
        sink=2,
        retention_s=retention_s,
        refresh=False,
        score_saturation=6.0,
        output_saturation=3.0,
    )
    codes = code_tensors(config, 140, seed=13)
    expected, ties = truth(codes, config)
    assert ties == 0
    assert_covers(expected.numpy())
    return config, codes, expected


def first(codes: list[torch.Tensor], tokens: int) -> list[torch.Tensor]:
    return [code[:, :, :tokens] for code in codes]


def lengths(config: HeadConfig) -> list[int]:
    """1 to 5 windows and parts of them."""
    window = config.window
    return [1, 2, window, window + 1, 2 * window + config.sink, 3 * window - 1, 5 * window]


@pytest.fixture(params=[(128, 1024), (3, 6), (16, 48)], ids=lambda sizes: f"blocks of {sizes[0]}")
def blocks(request, monkeypatch):
    """Blocks and chunks of several lengths: small heads see their boundaries too."""
    monkeypatch.setattr(parts, "BLOCK_QUERIES", request.param[0])
    monkeypatch.setattr(parts, "CHUNK_QUERIES", request.param[1])


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("name", GEOMETRIES)
def test_float64_equals_attend_on_every_code(name):
    config = GEOMETRIES[name]
    codes, expected = truth_of(name)
    assert_covers(expected[:, :1].numpy())
    for tokens in lengths(config):
        y_code = attend_codes(*first(codes, tokens), config)
        assert torch.equal(y_code, expected[:, :, :tokens])


@pytest.mark.parametrize("tokens", [1, 127, 1024, 1100, 2500])
def test_float64_equals_attend_at_full_size(tokens):
    codes, expected = full_size_truth()
    assert torch.equal(attend_codes(*first(codes, tokens), GAIN), expected[:, :, :tokens])


def test_float64_equals_attend_on_codes_of_a_language_model():
    config = HeadConfig()
    shipped = shipped_tokens(config)
    codes = [torch.from_numpy(code.astype(np.int64))[None, None] for code in shipped.codes]
    expected, ties = truth(codes, config)
    assert ties == 0
    assert_covers(expected.numpy())
    assert torch.equal(attend_codes(*codes, config), expected)


@pytest.mark.parametrize("retention_s", [0.4e-6, 0.1e-6, 1e-9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stays_exact_where_cells_leak_within_a_few_tokens(retention_s, dtype):
    config, codes, expected = leaky_truth(retention_s)
    assert torch.equal(attend_codes(*codes, config, dtype=dtype), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_narrow_floats_differ_by_one_step_on_fewer_than_one_in_ten_thousand(dtype):
    """Half types are inputs and outputs only: their codes are exact, and float32 computes."""
    codes, expected = full_size_truth()
    assert_covers(expected.numpy())
    assert len(expected.unique()) > 50
    y = attention(*units(codes, GAIN, dtype), GAIN)
    assert y.dtype == dtype
    difference = (y.double() - expected).abs()
    assert difference.max() <= 1
    assert (difference > 0).double().mean() <= 1e-4


def test_rows_and_heads_are_computed_on_their_own():
    config = GEOMETRIES["odd sizes, one sink token"]
    codes = [torch.cat([one, two]) for one, two in zip(
        code_tensors(config, 70, seed=15, heads=4), code_tensors(config, 70, seed=25, heads=4),
        strict=True)]  # fmt: skip
    codes = [codes[0], codes[1][:, :2], codes[2][:, :2]]
    expected, _ = truth(codes, config)
    assert torch.equal(attend_codes(*codes, config), expected)


def test_linear_kind_is_the_linear_cell_in_the_same_head():
    config = GEOMETRIES["own polynomial"]
    linear = HeadConfig(**config.fields_set() | {"cell": "linear"})
    codes = code_tensors(config, 40, seed=16)
    expected, _ = truth(codes, linear)
    assert_covers(expected.numpy())
    y = attention(*units(codes, config, torch.float64), config, kind="linear")
    assert torch.equal(y.long(), expected)
    assert not torch.equal(truth(codes, config)[0], expected)


@pytest.mark.parametrize("tokens", [1, 5, 30])
def test_queries_of_the_last_tokens_equal_those_of_the_full_run(tokens):
    config = GEOMETRIES["odd sizes, full sink"]
    q, k, v = units(code_tensors(config, 80, seed=17), config, torch.float64)
    whole = attention(q, k, v, config)
    assert_covers(whole.numpy())
    assert torch.equal(attention(q[:, :, -tokens:], k, v, config), whole[:, :, -tokens:])


def test_offset_lets_overwritten_keys_go():
    config = GEOMETRIES["odd sizes"]
    q, k, v = units(code_tensors(config, 100, seed=18), config, torch.float64)
    whole = attention(q, k, v, config)
    first = 90 - config.window + 1
    near = [each[:, :, first:] for each in (k, v)]
    assert torch.equal(attention(q[:, :, 90:], *near, config, offset=90), whole[:, :, 90:])


def test_no_tokens_give_no_outputs():
    config = GEOMETRIES["odd sizes"]
    none = torch.zeros(2, 3, 0, config.head_dim)
    assert attention(none, none, none, config).shape == (2, 3, 0, config.head_dim)


@pytest.mark.parametrize("name", shipped_designs())
def test_every_design_s_cell_is_read_as_attend_reads_it(name):
    design = design_of({"cell": name}, Path())
    own = {**design.config, "cell": tuple(design.config["cell"]), "refresh": False}
    own["score_saturation"] *= 8 / 64  # the converters are for 64 cells
    own["output_saturation"] *= 4 / 64
    config = HeadConfig(head_dim=8, window=24, columns=4, sink=1, **own)
    codes = code_tensors(config, 100, seed=14)
    expected, ties = truth(codes, config)
    assert ties == 0
    assert expected.unique().numel() > 20
    assert torch.equal(attend_codes(*codes, config), expected)

"""Two ways to read V for a block of queries say the same as each column on its own."""

import numpy as np
import pytest

from gaincell.behavioral.ahead import value_reads
from gaincell.behavioral.ahead.block import Block
from gaincell.behavioral.ahead.value_reads import ValueReads
from gaincell.behavioral.cells.cell_array import CellArray
from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig

CONFIGS = {
    "two tiles": HeadConfig(head_dim=5, window=16, columns=8, value_bits=3),
    "sink": HeadConfig(head_dim=3, window=12, columns=4, sink=2, key_bits=2, value_bits=5),
}
TOKENS, DECAY = 7, 0.9


def samples(charge):
    return np.ceil(np.abs(charge)).astype(np.int16), charge < 0


def charge_of(config, code, age):
    """Of a full pulse on cells of these codes, by the polynomial itself."""
    volts = config.full_scale_v * code / config.value_max - config.center_v
    return np.polynomial.polynomial.polyval(volts * DECAY**age, config.cell_coefficients)


@pytest.mark.parametrize("sparse", [0.0, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.6])
@pytest.mark.parametrize("groups", [None, 3])
@pytest.mark.parametrize("turns", [1, 2])
@pytest.mark.parametrize("name", CONFIGS)
def test_columns_of_all_ages_are_read(name, turns, groups, share, sparse, monkeypatch) -> None:
    monkeypatch.setattr(value_reads, "SPARSE", sparse)
    config, rng = CONFIGS[name], np.random.default_rng(2)
    heads, dims = groups or 1, config.head_dim
    array = CellArray("V", config, Faults(), rng, groups)
    held = rng.integers(0, config.value_max + 1, (heads, config.slots, dims))
    for slot in range(config.slots):
        array.clock = slot
        array.write(slice(slot, slot + 1), held[:, slot] if groups else held[0, slot])
    clock = array.clock
    slots = np.array([3, 1, 0, 2, 9, 5, 4])
    k_code, v_code = rng.integers(0, config.value_max + 1, (2, TOKENS, heads, dims))
    widths = np.ones((TOKENS * turns, heads, dims), dtype=np.int64)
    block = Block(slots, k_code, v_code, widths)
    scores = rng.random((TOKENS * turns, heads, config.slots))
    scores[rng.random(scores.shape) > share] = -1.0

    reads = ValueReads(
        array, TOKENS * turns, heads, DECAY, lambda score: np.clip(score, 0.0, 1.0), samples
    )
    found = reads.outputs(block, scores).copy()

    expected = np.zeros_like(found)
    written = np.arange(config.slots)
    for query in range(TOKENS * turns):
        token = query // turns
        if query % turns == 0:
            held[:, slots[token]] = v_code[token]
            written[slots[token]] = clock + 1 + token
        age = clock + 1 + token - written
        for slot in range(config.stored_columns):
            phi = np.maximum(scores[query, :, slot], 0.0)
            charge = charge_of(config, held[:, slot], age[slot])
            expected[query, :, slot // config.columns] += phi[:, None] * charge
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
    seen, negative = reads.converted(found)
    assert np.array_equal(seen, np.ceil(np.abs(found)))
    assert np.array_equal(negative, found < 0)

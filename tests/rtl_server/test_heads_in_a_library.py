"""Heads of the Verilog without a simulator's process: the same codes as the contract's."""

import numpy as np
import pytest
from spoilt import spoilt_verilog

from gaincell.behavioral.attention import attend
from gaincell.behavioral.faults import Faults
from gaincell.behavioral.pins import ElectricalError
from gaincell.cocotb_tests.run.build import BuildFailed
from gaincell.config import PRESETS, HeadConfig
from gaincell.rtl_server.core import RtlCore
from gaincell.rtl_server.library import build_library, load_library
from gaincell.rtl_server.signals import NativeSignals

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

TINY = PRESETS["tiny"]
HEADS = {
    "tiny": TINY,
    "sink": HeadConfig(head_dim=4, window=8, columns=4, sink=2),
    "counter": HeadConfig(head_dim=5, window=6, columns=3, readout="counters"),
    "paired": HeadConfig(head_dim=8, window=16, columns=8, schedule="paired"),
    "coarse": HeadConfig(head_dim=3, window=4, columns=2, query_bits=1, key_bits=2, value_bits=2),
}


def tokens_of(config: HeadConfig, count: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    largest = config.query_max, config.key_max, config.value_max
    return tuple(rng.integers(0, most + 1, (count, config.head_dim)) for most in largest)


def head_of(config: HeadConfig, **options: object) -> RtlCore:
    return RtlCore(load_library(build_library(config)), config, **options)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("chunks", [[1] * 40, [40], [3, 1, 17, 2, 9, 8]])
def test_codes_are_those_of_attend_however_tokens_come(name: str, chunks: list[int]) -> None:
    config = HEADS[name]
    q, k, v = tokens_of(config, sum(chunks))
    head, at, found = head_of(config), 0, []
    for count in chunks:
        found.append(head.attend(q[at : at + count], k[at : at + count], v[at : at + count]))
        at += count
    assert np.array_equal(np.concatenate(found), attend(q, k, v, config))


def test_no_tokens_have_no_codes() -> None:
    empty = np.zeros((0, TINY.head_dim), dtype=np.int64)
    assert head_of(TINY).attend(empty, empty, empty).shape == (0, TINY.head_dim)


def test_heads_of_one_library_share_nothing() -> None:
    library = load_library(build_library(TINY))
    heads = [RtlCore(library, TINY) for _ in range(3)]
    tokens = [tokens_of(TINY, 30, seed) for seed in range(3)]
    found: list[list[np.ndarray]] = [[], [], []]
    for token in range(30):
        for index, head in enumerate(heads):
            found[index].append(head.attend(*(x[token : token + 1] for x in tokens[index])))
        if token == 9:
            heads[2].close()
            heads[2] = RtlCore(library, TINY)
            for each in range(10):
                heads[2].attend(*(x[each : each + 1] for x in tokens[2]))
    for index in range(3):
        assert np.array_equal(np.concatenate(found[index]), attend(*tokens[index], TINY))


def test_a_restart_begins_a_sequence() -> None:
    q, k, v = tokens_of(TINY, 20)
    head = head_of(TINY)
    head.attend(*tokens_of(TINY, 13, seed=5))
    head.restart()
    assert np.array_equal(head.attend(q, k, v), attend(q, k, v, TINY))


def test_faults_follow_from_the_seed_and_change_codes() -> None:
    faults = Faults(gain_mismatch=0.3, read_noise=0.05)
    q, k, v = tokens_of(TINY, 40)
    runs = [head_of(TINY, faults=faults, seed=seed).attend(q, k, v) for seed in (1, 1, 2)]
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    assert not np.array_equal(runs[0], attend(q, k, v, TINY))


def test_cells_leak_while_a_token_is_held_back() -> None:
    config = HeadConfig(
        head_dim=4, window=8, columns=4, age_mode="time", retention_s=2e-6, refresh=False
    )
    q, k, v = tokens_of(config, 24)
    held_back = head_of(config, idle_cycles=2000, check_age=False).attend(q, k, v)
    at_once = head_of(config, check_age=False).attend(q, k, v)
    assert np.abs(held_back).sum() < np.abs(at_once).sum()


def test_a_head_that_breaks_a_rule_is_an_error() -> None:
    library = load_library(build_library(TINY, spoilt_verilog(TINY)))
    with pytest.raises(ElectricalError, match="written while it is read"):
        RtlCore(library, TINY).attend(*tokens_of(TINY, 4))


def test_an_unknown_signal_is_named() -> None:
    signals = NativeSignals(load_library(build_library(TINY)))
    with pytest.raises(KeyError, match=r"no signal streams\.nothing"):
        signals.one("streams.nothing")
    signals.close()
    signals.close()


def test_verilog_that_does_not_compile_is_refused_and_not_kept() -> None:
    for _ in range(2):
        with pytest.raises(BuildFailed, match="cannot build the heads' library: %Error: head"):
            build_library(TINY, "module gaincell_head (; endmodule")

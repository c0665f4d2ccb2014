"""Heads in a process of their own, which may die."""

import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from spoilt import spoilt_verilog

from gaincell.behavioral.attention import attend
from gaincell.behavioral.faults import Faults
from gaincell.config import PRESETS
from gaincell.refusals import Unable
from gaincell.rtl_server import lasting_server
from gaincell.rtl_server.client import RtlHeads, shared_out
from gaincell.rtl_server.lasting_server import BrokenRule
from gaincell.rtl_server.protocol import Closed, receive, send

pytestmark = [pytest.mark.cosim, pytest.mark.usefixtures("short_runs")]

TINY = PRESETS["tiny"]
NAMES = ["0:0", "0:1", "7:3"]
ALONE = [[name] for name in NAMES]


def tokens_of(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = len(NAMES), count, TINY.head_dim
    largest = TINY.query_max, TINY.key_max, TINY.value_max
    return [rng.integers(0, most + 1, shape) for most in largest]


def expected(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.stack([attend(*each, TINY) for each in zip(q, k, v, strict=True)])


def step_by_step(heads: RtlHeads, tokens: list[np.ndarray], **kill: int) -> np.ndarray:
    """Answers token by token; before token ``at`` the server gets a signal."""
    found = []
    for token in range(tokens[0].shape[1]):
        if token == kill.get("at"):
            os.kill(heads.pids[0], kill["by"])
        found.append(heads.attend(NAMES, *(x[:, token : token + 1] for x in tokens)))
    return np.concatenate(found, axis=1)


def test_heads_answer_as_the_contract_says_and_share_nothing() -> None:
    tokens = tokens_of(40)
    with RtlHeads(TINY, ALONE) as heads:
        assert np.array_equal(step_by_step(heads, tokens), expected(*tokens))
        assert heads.restarts == 0


@pytest.mark.parametrize("at", [None, 25])
def test_heads_of_a_core_answer_together(at: int | None) -> None:
    tokens = tokens_of(40)
    with RtlHeads(TINY, [NAMES[:2], NAMES[2:]], processes=1) as heads:
        found = step_by_step(heads, tokens, **({} if at is None else {"at": at, "by": 9}))
        assert heads.restarts == (at is not None)
        heads.restart(NAMES[1::-1])
        q, k, v = (x[1::-1] for x in tokens)
        again = heads.attend(NAMES[1::-1], q, k, v)
        with pytest.raises(ValueError, match="take tokens together, once each: 0:0, 0:1"):
            heads.attend(NAMES[:1], q[:1], k[:1], v[:1])
        with pytest.raises(ValueError, match="take tokens together"):
            heads.restart(NAMES[1:])
    assert np.array_equal(found, expected(*tokens))
    assert np.array_equal(again, expected(q, k, v))


@pytest.mark.parametrize(
    ("heads", "processes", "sizes"), [(9, 2, [4, 5]), (9, 4, [2, 2, 2, 3]), (2, 4, [1, 1])]
)
def test_heads_are_shared_out_evenly(heads: int, processes: int, sizes: list[int]) -> None:
    names = [str(head) for head in range(heads)]
    cores = shared_out(names, processes)
    assert sorted(map(len, cores)) == sizes
    assert [name for core in cores for name in core] == names


def test_heads_take_tokens_at_different_times() -> None:
    q, k, v = tokens_of(10)
    with RtlHeads(TINY, ALONE) as heads:
        one = heads.attend(NAMES[1:2], q[1:2], k[1:2], v[1:2])
        others = heads.attend(NAMES[::2], q[::2], k[::2], v[::2])
    assert np.array_equal(np.concatenate([others[:1], one, others[1:]]), expected(q, k, v))


@pytest.mark.parametrize("at", [0, 1, 25])
def test_a_killed_server_is_replaced_and_no_token_lost(at: int) -> None:
    tokens = tokens_of(40)
    with RtlHeads(TINY, ALONE) as heads:
        found = step_by_step(heads, tokens, at=at, by=signal.SIGKILL)
        assert heads.restarts == 1
    assert np.array_equal(found, expected(*tokens))


def test_noise_goes_on_where_it_was_after_a_server_died() -> None:
    faults, tokens = Faults(read_noise=0.05, gain_mismatch=0.1), tokens_of(30)
    config = TINY
    with RtlHeads(config, ALONE, faults=faults, seed=3) as heads:
        undisturbed = step_by_step(heads, tokens)
    with RtlHeads(config, ALONE, faults=faults, seed=3) as heads:
        disturbed = step_by_step(heads, tokens, at=17, by=signal.SIGKILL)
    assert np.array_equal(undisturbed, disturbed)
    assert not np.array_equal(undisturbed, expected(*tokens))


def test_sequences_begin_anew_also_after_a_server_died() -> None:
    first, second = tokens_of(12, seed=1), tokens_of(20, seed=2)
    with RtlHeads(TINY, ALONE) as heads:
        heads.attend(NAMES, *first)
        heads.restart(NAMES)
        os.kill(heads.pids[0], signal.SIGKILL)
        found = step_by_step(heads, second, at=9, by=signal.SIGKILL)
        assert heads.restarts == 2
    assert np.array_equal(found, expected(*second))


def test_servers_that_keep_dying_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    dying = (sys.executable, "-c", "import sys; sys.exit(3)")
    monkeypatch.setattr(lasting_server, "SERVER", dying)
    with pytest.raises(Unable, match="3 servers of heads died one after the other"):
        RtlHeads(TINY, ALONE)


def test_another_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting_server, "PROTOCOL", 1)
    with pytest.raises(Unable, match="speaks protocol 2"):
        RtlHeads(TINY, ALONE)


def test_a_broken_rule_is_told_and_not_tried_again() -> None:
    with RtlHeads(TINY, ALONE, verilog=spoilt_verilog(TINY)) as heads:
        with pytest.raises(BrokenRule, match=r"^cycle \d+: the K array is written while"):
            heads.attend(NAMES, *tokens_of(4))
        assert heads.restarts == 0


def test_wrong_requests_are_refused() -> None:
    q, k, v = tokens_of(2)
    with pytest.raises(ValueError, match="heads that all differ"):
        RtlHeads(TINY, [["a", "a"]])
    with pytest.raises(ValueError, match=r"must be 0\.\.65535"):
        RtlHeads(TINY, [["a"]], idle_cycles=1 << 16)
    with RtlHeads(TINY, ALONE) as heads:
        with pytest.raises(KeyError, match="there is no head 9:9"):
            heads.attend(["9:9", *NAMES[1:]], q, k, v)
        with pytest.raises(ValueError, match="k has shape"):
            heads.attend(NAMES, q, k[:, :1], v)
        with pytest.raises(ValueError, match="v holds codes beyond"):
            heads.attend(NAMES, q, k, v + TINY.value_max)
        assert np.array_equal(heads.attend(NAMES, q, k, v), expected(q, k, v))


def test_the_server_ends_with_its_client() -> None:
    code = (
        "import os\nfrom gaincell.config import PRESETS\n"
        "from gaincell.rtl_server.client import RtlHeads\n"
        "print(RtlHeads(PRESETS['tiny'], [['a']]).pids[0], flush=True)\nos.kill(os.getpid(), 9)"
    )
    # The server holds the client's error stream: that ends only when both have ended.
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert run.returncode == -signal.SIGKILL
    assert int(run.stdout) > 0


def test_messages_come_whole_or_not_at_all() -> None:
    stream = io.BytesIO()
    send(stream, {"action": "attend"}, np.arange(6).reshape(2, 3), np.array([-7]))
    whole = stream.getvalue()
    header, codes = receive(io.BytesIO(whole))
    assert header == {"action": "attend"}
    assert codes.tolist() == [0, 1, 2, 3, 4, 5, -7]
    for cut in (0, 5, 12, len(whole) - 1):
        with pytest.raises(Closed):
            receive(io.BytesIO(whole[:cut]))

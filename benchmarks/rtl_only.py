"""Runs inside the simulator: the gpt2 head alone at full rate, with no Python per token."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import Timer

from gaincell.behavioral.tokens import random_tokens
from gaincell.cocotb_tests.bench.words import played_codes, token_words
from gaincell.cocotb_tests.run.testbench import Raw
from gaincell.config import PRESETS

CYCLES = 200_000
HELD_TOKENS = 16


@cocotb.test()
async def run_head_alone(tb: Any) -> None:
    """Repeat 16 random tokens for 200 000 cycles, playing the same random output pulses."""
    config = PRESETS["gpt2"]
    rng = np.random.default_rng(0)
    none = np.zeros(HELD_TOKENS, dtype=np.int64)
    tokens = replace(random_tokens(HELD_TOKENS, config, rng), first=none)
    Clock(tb.clk, 1, unit="ns", impl="gpi").start()
    tb.transport.watchdog.value = 2**31
    await Timer(3, "ns")
    tb.rst.value = 0
    await Timer(1, "ns")
    push_word, pushed = Raw(tb.streams.push_word), Raw(tb.streams.pushed)
    for count, word in enumerate(token_words(tokens, none, none, config), start=1):
        push_word.write(word)
        pushed.write(count)
        await Timer(1, "ns")
    outputs = (config.tiles, config.head_dim)
    magnitude = rng.integers(0, config.readout_max + 1, outputs)
    Raw(tb.transport.play).write(played_codes(magnitude, rng.random(outputs) < 0.5, config))
    Raw(tb.transport.played).write(1)
    tb.streams.repeat_forever.value = 1
    tb.hold.value = 0
    await Timer(1000, "ns")
    delivered = int(tb.streams.delivered.value)
    started = time.perf_counter()
    await Timer(CYCLES, "ns")
    seconds = time.perf_counter() - started
    tokens_done = int(tb.streams.delivered.value) - delivered
    assert tokens_done > CYCLES / config.interval_cycles - 2
    measured = {"cycles_per_s": CYCLES / seconds, "tokens_per_s": tokens_done / seconds}
    Path(os.environ["GAINCELL_MEASURED"]).write_text(json.dumps(measured))

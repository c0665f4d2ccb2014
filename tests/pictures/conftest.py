"""Waveform files written by hand: what the test bench records of a head that keeps its schedule."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gaincell.config import HeadConfig
from gaincell.schedule import Span

RESET_CYCLES = 3
Waves = dict[str, tuple[int, list[int]]]
"""Bits of each wire, and its value in every cycle."""

PHASES = {
    "k_enable": "k_write",
    "v_enable": "v_write",
    "k_reset": "k_reset",
    "k_integrate": "qk",
    "v_reset": "v_reset",
    "v_integrate": "av",
    "v_convert": "out",
}


def waves_of(config: HeadConfig, tokens: int) -> Waves:
    """One sequence at full speed: query pulse d of token t lasts (d + t) mod 4 cycles, and so does
    output pulse w; odd output wires are negative."""
    timing = config.timing
    start = RESET_CYCLES + 2
    launches = [start + timing.clear_cycles + t * timing.interval_cycles for t in range(tokens)]
    accepts = [start, *launches[1:]]
    length = launches[-1] + timing.latency_cycles + 4
    outputs = config.tiles * config.head_dim
    banked = ("k_reset", "k_integrate", "v_reset", "v_integrate", "v_convert")
    waves: Waves = {name: (timing.banks if name in banked else 1, [0] * length) for name in PHASES}
    for name in ("rst", "k_broadcast", "v_broadcast", "token_valid", "token_ready"):
        waves[name] = (1, [0] * length)
    waves["result_valid"] = (1, [0] * length)
    waves["result_ready"] = (1, [1] * length)
    waves["query"] = (config.head_dim, [0] * length)
    waves["pulse"] = (outputs, [0] * length)
    waves["sign"] = (outputs, [sum(1 << w for w in range(1, outputs, 2))] * length)
    waves["cycle"] = (32, list(range(length)))
    _fill(waves["rst"][1], Span(0, RESET_CYCLES), 0)
    for token, launch in enumerate(launches):
        bank = 1 << token % timing.banks
        for name, phase in PHASES.items():
            value = bank if name in banked else 1
            _fill(waves[name][1], getattr(timing, phase), launch, value)
        for name in ("token_valid", "token_ready"):
            waves[name][1][accepts[token]] = 1
        waves["result_valid"][1][launch + timing.latency_cycles] = 1
        for wire, offset in (("query", timing.qk.start), ("pulse", timing.out.start)):
            for bit in range(waves[wire][0]):
                _fill(waves[wire][1], Span(0, (bit + token) % 4), launch + offset, 1 << bit)
    for enable, phase in (("k", timing.k_write), ("v", timing.v_write)):
        for name in (f"{enable}_enable", f"{enable}_broadcast"):
            _fill(waves[name][1], phase, start)
    return waves


def _fill(values: list[int], span: Span, start: int, value: int = 1) -> None:
    for cycle in range(start + span.start, start + span.end):
        values[cycle] |= value


def write_vcd(path: Path, waves: Waves) -> Path:
    """A VCD file with 2 time steps per cycle."""
    lines = ["$timescale 1ns $end", "$scope module tb $end"]
    codes = {name: chr(ord("!") + place) for place, name in enumerate(waves)}
    for name, (bits, _) in waves.items():
        lines.append(f"$var wire {bits} {codes[name]} {name} [{bits - 1}:0] $end")
    lines += ["$upscope $end", "$enddefinitions $end"]
    for cycle in range(len(waves["cycle"][1])):
        lines.append(f"#{2 * cycle}")
        for name, (_, values) in waves.items():
            if cycle == 0 or values[cycle] != values[cycle - 1]:
                value = "x" if values[cycle] < 0 else f"{values[cycle]:b}"
                lines.append(f"b{value} {codes[name]}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Write the waveform of ``tokens`` tokens, after ``change`` has spoilt it."""

    def write(
        config: HeadConfig, tokens: int = 6, change: Callable[[Waves], object] | None = None
    ) -> Path:
        waves = waves_of(config, tokens)
        if change is not None:
            change(waves)
        return write_vcd(tmp_path / "waves.vcd", waves)

    return write

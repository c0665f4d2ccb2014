"""Writes a self-checking testbench in plain Verilog from templates, a config and golden vectors.

``testbench.v`` is its module: it drives the head and plays the arrays. The other Verilog files
are parts of it; three modules below it are those of the co-simulation's test bench.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

from gaincell.cocotb_tests.bench.watch import verilog_faults, watch_parameters
from gaincell.cocotb_tests.bench.words import token_positions
from gaincell.cocotb_tests.plain.vectors import (
    Golden,
    default_tokens,
    golden_vectors,
    vector_calls,
)
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, beats_of, core_of
from gaincell.hdl.layouts import TAGS, index_shape
from gaincell.hdl.verilog import TOP

HERE = Path(__file__).parent
PARTS = ("streams", "expected", "checks", "stream_checks", "verdict", "vectors")
BENCH_MODULES = {"column_watch": "watch", "beat_source": "beat_source", "beat_sink": "beat_sink"}
"""Modules of the co-simulation's test bench, and what they are called behind ``{head}_tb_``."""
MEMORY_WAIT_CYCLES = 5
LONG_PATIENCE_CYCLES = 20
REQUEST_CYCLES = 4
"""From the start of a visit to the first beat of its data, and from the last one to the write."""
BEAT_PAUSE = 0.25
"""Share of beats before which the testbench pauses."""
REFRESHES = 2
"""Columns that are refreshed before the last query, if as many hold a token."""
MOST_FILLERS = 500

HEADER = """\
// Self-checking testbench for {head}, with golden vectors: {queries} queries of {tokens} tokens,
// seed {seed}. It ends with PASS and what was checked, or with FAIL and a non-zero exit status.
//
// With Icarus Verilog:
//   $ iverilog -o head_tb {testbench} {head}
//   $ vvp -n head_tb
// With Verilator, version 5 or above; -CFLAGS matters to compilers older than C++20 only:
//   $ verilator --binary -Wno-lint -CFLAGS -std=gnu++20 -o head_tb {testbench} {head}
//   $ obj_dir/head_tb
// The last query waits until columns were refreshed: {pause}.
// With either, +wait=N makes it wait N cycles instead.
//
// Golden values are those of saturations {s_sat:.6g} (score) and {a_sat:.6g} (output), with ages in
// tokens and without refresh: the head never sees a charge, it is told the read-out codes.

"""


def plain_testbench(
    design: HeadConfig | CoreConfig,
    tokens: int | None = None,
    seed: int = 0,
    names: tuple[str, str] = ("head.v", "head_tb.v"),
    head: str = TOP,
) -> str:
    """Verilog (IEEE 1364-2005, but for ``$fatal``) that drives and checks a head, or a core.

    Needs nothing but ``head_verilog(design, head)``. The same text for the same arguments, always.

    Parameters
    ----------
    tokens : int, optional
        By default ``default_tokens``.
    seed : int
        Of tokens and pace.
    names : (str, str)
        Files of the head and of the testbench, for the commands in the header.
    head : str
        The head's module; the testbench is called the same and ``_tb``.

    Raises
    ------
    ValueError
        As ``check_refresh_beats``.
    """
    core = core_of(design)
    check_refresh_beats(core)
    config = core.lock_step
    golden = golden_vectors(design, default_tokens(config) if tokens is None else tokens, seed)
    header = HEADER.format(
        head=_quoted(names[0]),
        testbench=_quoted(names[1]),
        queries=len(golden.offered),
        tokens=golden.tokens,
        seed=seed,
        s_sat=golden.config.s_sat,
        a_sat=golden.config.a_sat,
        pause=_pause(config),
    )
    parts = {
        "parameters": _lines(
            f"localparam {name} = {value};"
            for name, value in (_parameters(golden) | _beats(core, golden, seed)).items()
        ),
        **{name: (HERE / f"{name}.v").read_text() for name in PARTS},
        "queries": _lines(vector_calls(golden), indent=8),
        "watch": _lines((f".{name}({name})," for name in watch_parameters(config)), indent=8),
        "faults": _lines(verilog_faults(), indent=16),
        **{name: _bench_module(name, f"{TOP}_tb_{own}") for name, own in BENCH_MODULES.items()},
    }
    text = (HERE / "testbench.v").read_text()
    for name, part in parts.items():
        text = text.replace(f"//{{{name}}}\n", part)
    return header + text.replace(TOP, head)


def _parameters(golden: Golden) -> dict[str, int]:
    config, timing = golden.config, golden.config.timing
    dims, plan, blocks = config.head_dim, config.retention, golden.blocks
    key_bits, value_bits = dims * config.key_bits, dims * config.value_bits
    tile_bits, column_bits = index_shape(config.tiles).width, index_shape(config.columns).width
    spans = {
        f"{phase.upper()}_{end.upper()}": getattr(getattr(timing, phase), end)
        for phase in ("k_write", "v_write", "k_reset", "v_reset", "qk", "av", "out")
        for end in ("start", "end")
    }
    tokens = int(golden.position[-1]) + 1
    fillers = _fillers(config, tokens)
    return {
        "QUERIES": len(golden.offered) + fillers,
        "TOKENS": golden.tokens,
        "D": dims,
        "TILES": blocks,
        "WIRES": config.tiles * dims,
        "QUERY_BITS": config.query_bits,
        "KEY_BITS": config.key_bits,
        "VALUE_BITS": config.value_bits,
        "CODES_BITS": key_bits + value_bits,
        **token_positions(config),
        "READOUT_BITS": config.readout_bits,
        "CODE_BITS": config.readout_bits + 1,
        "TILE_CODE_BITS": golden.tile_code.shape[2] * (config.readout_bits + 1),
        "RESULT_WIDTH": config.result_width,
        "RESULT_BITS": dims * config.result_width,
        "TILE_BITS": tile_bits,
        "COLUMN_BITS": column_bits,
        "PLACE_BITS": tile_bits + column_bits,
        "PLACES": 1 << (tile_bits + column_bits),
        "TAG_BITS": index_shape(TAGS).width,
        **watch_parameters(config),
        "BANKS": timing.banks,
        "SYNC_STAGES": config.sync_stages,
        "LATE_CYCLES": config.late_cycles,
        "STEP_CYCLES": config.step_cycles,
        **spans,
        "INTERVAL_CYCLES": timing.interval_cycles,
        "LATENCY_CYCLES": timing.latency_cycles,
        "RESULT_PLACES": timing.result_places,
        "REFRESH": int(plan is not None),
        "FILL": tokens + fillers,
        "FILLERS": fillers,
        "LAST_FILL": min(tokens + fillers, config.stored_columns),
        "REFRESHES": min(REFRESHES, config.stored_columns),
        "BOUND": config.bound_cycles if plan else 0,
    }


def check_refresh_beats(core: CoreConfig) -> None:
    """Raise ValueError if the data of a refresh cannot come in time in their beats."""
    plan = core.head.retention
    if plan is None or core.refresh_beat_bits is None:
        return
    beats = beats_of(core.stored_bits, core.refresh_beat_bits)
    if beats + REQUEST_CYCLES > plan.patience_cycles:
        raise ValueError(
            f"refresh_beat_bits is {core.refresh_beat_bits}, but the {beats} beats of a column "
            f"do not come within its patience of {plan.patience_cycles} cycles; raise "
            "refresh_beat_bits"
        )


def _beats(core: CoreConfig, golden: Golden, seed: int) -> dict[str, int]:
    """Parameters for the widths and the pace of beats, and the waits that follow from them."""
    config, timing, plan = golden.config, golden.config.timing, golden.config.retention
    longest_pause = int(golden.idle.max(initial=0) + golden.refuse.max(initial=0))
    of_query = round(core.beats_of_a_query / (1 - BEAT_PAUSE))
    # Where patience is short the data must come at once, or the column is dropped.
    refresh_beats = 0
    if core.refresh_beat_bits is not None:
        refresh_beats = beats_of(core.stored_bits, core.refresh_beat_bits)
    patience = 0 if plan is None else plan.patience_cycles
    unhurried = patience > LONG_PATIENCE_CYCLES + 8 * refresh_beats
    pause = round(256 * BEAT_PAUSE)
    cut_off = timing.clear_cycles + 2 * timing.latency_cycles + 3 + of_query
    return {
        "TOKEN_BEAT": core.token_beat_bits or 0,
        "RESULT_BEAT": core.result_beat_bits or 0,
        "REFRESH_BEAT": core.refresh_beat_bits or 0,
        "BEAT_PAUSE": pause,
        "REFRESH_PAUSE": pause if unhurried else 0,
        "BEAT_SEED": seed % (2**31 - 1) + 1,
        "MEMORY_WAIT": MEMORY_WAIT_CYCLES if unhurried else 0,
        "CUT_OFF": cut_off,
        "LATEST_CUT_OFF": cut_off if core.token_beat_bits is None else 2 * cut_off,
        "PATIENCE": config.stopped_after_cycles + longest_pause + 4 * of_query,
    }


def _bench_module(name: str, own: str) -> str:
    """The module ``name`` of the co-simulation's test bench, called ``own``."""
    return (
        (HERE.parent / "bench" / f"{name}.v").read_text().replace(f"module {name}", f"module {own}")
    )


def _fillers(config: HeadConfig, tokens: int) -> int:
    """Tokens to add to the latest sequence, which has ``tokens``, so that a refresh comes early.

    After reset and a start the columns are young for two segments; the columns visited next
    should hold a token when the last query, which brings the latest one, still waits.
    """
    plan = config.retention
    if plan is None:
        return 0
    wanted = 1 + min(2 * plan.segment_visits + REFRESHES, plan.stored_columns)
    return min(max(0, wanted - tokens), MOST_FILLERS)


def _pause(config: HeadConfig) -> str:
    if config.retention is None:
        return "this head never does"
    return f"about {config.retention.young_cycles} cycles"


def _quoted(name: str) -> str:
    """A file name as a shell takes it, without what would end the comment around it."""
    return shlex.quote("".join(char if char.isprintable() else "?" for char in name))


def _lines(statements: Iterable[str], indent: int = 4) -> str:
    return "".join(f"{' ' * indent}{statement}\n" for statement in statements)

"""How fast a co-simulation of the gpt2 head is: ``make bench``, on an idle machine.

Build seconds without and with Verilator's own objects kept from an earlier build; the head alone
in the simulator; tokens per second of both transports, the median of several runs, after a warm-up;
CPU time of heads in lock step in a library, as ``gaincell generate`` runs them.
"""

import json
import os
import platform
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from cocotb_tools.runner import get_runner

from gaincell.behavioral.arrays import AnalogHead
from gaincell.behavioral.tokens import shipped_tokens, typical_tokens
from gaincell.cocotb_tests.run.build import Simulation, build
from gaincell.cocotb_tests.run.simulate import simulate
from gaincell.cocotb_tests.run.simulators import TOP
from gaincell.config import PRESETS, HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.rtl_server.core import RtlCore
from gaincell.rtl_server.library import build_library, load_library
from gaincell.text import table

CONFIG = PRESETS["gpt2"]
RUNS = 5
HEADS = (1, 4, 12)
FILLED, TIMED = 1024, 256
"""Tokens that fill the arrays, and those that are timed."""
MODEL_REPEATS = 300


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gaincell-bench-") as folder:
        os.environ["GAINCELL_CACHE"] = folder
        cold = seconds_to_build(CONFIG)
        warm = seconds_to_build(replace(CONFIG, sink=1))
        alone = head_alone(build(CONFIG), Path(folder))
        speeds = {transport: tokens_per_s(transport) for transport in ("fast", "per-ns")}
        served = {heads: cpu_us(heads) for heads in HEADS}
    rows = [
        (
            "machine",
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        ),
        ("first build", f"{cold:.1f} s"),
        ("next build", f"{warm:.1f} s"),
        (
            "head alone",
            f"{alone['cycles_per_s']:.0f} cycles/s, {alone['tokens_per_s']:.0f} tokens/s",
        ),
        ("arrays alone", f"{arrays_alone():.0f} tokens/s"),
    ]
    for transport, (median, slowest, fastest) in speeds.items():
        share = median / alone["tokens_per_s"]
        rows.append(
            (
                f"{transport} transport",
                f"{median:.0f} tokens/s ({slowest:.0f}..{fastest:.0f}), "
                f"{share:.0%} of the head alone",
            )
        )
    for heads, (median, least, most) in served.items():
        rows.append(
            (
                f"{heads} in lock step",
                f"{median:.0f} us CPU per token and head ({least:.0f}..{most:.0f})",
            )
        )
    print(table(rows))


def seconds_to_build(config: HeadConfig) -> float:
    started = time.perf_counter()
    build(config)
    return time.perf_counter() - started


def head_alone(simulation: Simulation, folder: Path) -> dict[str, float]:
    """Cycles and tokens per second without Python."""
    measured = folder / "measured.json"
    here = str(Path(__file__).parent)
    get_runner("verilator").test(
        test_module="rtl_only",
        hdl_toplevel=TOP,
        hdl_toplevel_lang="verilog",
        build_dir=simulation.folder,
        test_dir=folder,
        extra_env={"GAINCELL_MEASURED": str(measured), "PYTHONPATH": here},
        log_file=folder / "run.log",
    )
    result: dict[str, float] = json.loads(measured.read_text())
    return result


def arrays_alone() -> float:
    """Tokens per second of the arrays' model: two writes, QK, AV and conversion, no simulator."""
    tokens = shipped_tokens(CONFIG)
    arrays = AnalogHead(CONFIG)
    started = time.perf_counter()
    for token in range(MODEL_REPEATS):
        for array, codes in ((arrays.k, tokens.k_code), (arrays.v, tokens.v_code)):
            arrays.write_column(array, token, codes[token], 0)
        arrays.reset_scores(0)
        arrays.reset_outputs(0)
        arrays.integrate_scores(0, tokens.q_code[token], 0)
        arrays.integrate_outputs(0, 0, CONFIG.pulse_cycles, 0)
        arrays.convert(0)
    return MODEL_REPEATS / (time.perf_counter() - started)


def tokens_per_s(transport: str) -> tuple[float, float, float]:
    """Median, lowest and highest speed over the shipped tokens."""
    simulation = build(CONFIG)
    tokens = shipped_tokens(CONFIG)
    runs = []
    for _ in range(RUNS + 1):
        simulated = simulate(simulation, tokens, CONFIG, transport=transport)
        runs.append(len(tokens) / simulated.seconds)
    return statistics.median(runs[1:]), min(runs[1:]), max(runs[1:])


def cpu_us(heads: int) -> tuple[float, float, float]:
    """Median, least and most CPU time of a token and head in a core that a library holds, us."""
    core = CoreConfig(head=CONFIG, heads=heads)
    served = RtlCore(load_library(build_library(core)), core)
    tokens, _ = typical_tokens(core, 0)
    served.attend(*tokens[:FILLED].codes)
    runs = []
    for _ in range(RUNS):
        started = time.process_time()
        served.attend(*tokens[-TIMED:].codes)
        runs.append(1e6 * (time.process_time() - started) / TIMED / heads)
    served.close()
    return statistics.median(runs), min(runs), max(runs)


if __name__ == "__main__":
    main()

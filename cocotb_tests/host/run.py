"""Build and run a core with its host port."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.run.build import build_bench
from gaincell.cocotb_tests.run.compare import logged_attention, needs_events
from gaincell.cocotb_tests.run.simulate import OUTCOME, run_simulator
from gaincell.cocotb_tests.run.simulators import VISIBLE
from gaincell.core.bus import bus_bytes, bus_core
from gaincell.core.config import CoreConfig
from gaincell.files import scratch_folder
from gaincell.hdl.host.verilog import host_verilog
from gaincell.hdl.layouts import index_shape
from gaincell.refusals import Failed

BENCH = Path(__file__).parent / "host_tb.v"
SEEN = BENCH.with_name(VISIBLE)
MODULE = "gaincell.cocotb_tests.host.scenarios"


def run_scenario(
    name: str,
    core: CoreConfig,
    tokens: Tokens,
    *,
    pause: float = 0.0,
    seed: int = 0,
    simulator: str = "verilator",
    verilog: str | None = None,
) -> dict[str, Any]:
    """What the scenario found out about the core.

    If it has outputs, they must be those of ``attend``. ``verilog`` puts another text to the test.

    Raises
    ------
    Failed
        The core does what it must not do.
    """
    core = bus_core(core)
    config = core.lock_step
    token, result, refresh = (8 * each for each in bus_bytes(core))
    parameters = {
        "D": config.head_dim,
        "KEY_BITS": config.key_bits,
        "VALUE_BITS": config.value_bits,
        "TILES": config.tiles,
        "TILE_BITS": index_shape(config.tiles).width,
        "COLUMN_BITS": index_shape(config.columns).width,
        "BANKS": config.timing.banks,
        "TOKEN_BEAT": token,
        "RESULT_BEAT": result,
        "REFRESH_BEAT": refresh,
    }
    simulation = build_bench(
        lambda: {
            **{source.name: source.read_text() for source in (BENCH, SEEN)},
            "core.v": verilog or host_verilog(core),
        },
        [BENCH.name, "core.v"],
        parameters,
        simulator=simulator,
    )
    with scratch_folder("gaincell-host-") as folder:
        arrays: dict[str, Any] = tokens.arrays()
        np.savez(folder / "run.npz", **arrays)
        spec = {
            "scenario": name,
            "head": core.head.fields_set(),
            "core": core.fields_set(),
            "pause": pause,
            "seed": seed,
        }
        (folder / "run.json").write_text(json.dumps(spec))
        run_simulator(simulation, folder, MODULE)
        if error := json.loads((folder / OUTCOME).read_text())["error"]:
            raise Failed(error)
        with np.load(folder / "results.npz") as stored:
            found = dict(stored)
    if "y" in found:
        found["y"] = tokens.of_heads(found["y"])
        events = found["events"] if needs_events(found["events"], core.head) else None
        expected, _ = logged_attention(tokens, events, core.head)
        if different := int((expected != found["y"]).sum()):
            raise Failed(f"{different} of {expected.size} outputs differ from attend")
    return found

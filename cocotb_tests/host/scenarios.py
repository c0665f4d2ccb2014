"""What a host does with a core; runs inside the simulator."""

import json
import os
import traceback
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import with_timeout

from gaincell.behavioral.tokens import Tokens
from gaincell.cocotb_tests.host import attending, breaking, restarting, touching
from gaincell.cocotb_tests.host.bus import Host
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig

SCENARIOS = {
    "attend": attending.attend,
    "malformed": breaking.malformed,
    "registers": touching.registers,
    "restart": restarting.restart,
}
LONGEST_US = 400


@cocotb.test()
async def run_scenario(tb: Any) -> None:
    """Run the scenario of ``run.json``; write what it returns and ``outcome.json``."""
    folder = Path(os.environ["GAINCELL_RUN_FOLDER"])
    spec = json.loads((folder / "run.json").read_text())
    core = CoreConfig(head=HeadConfig(**spec["head"]), **spec["core"])
    with np.load(folder / "run.npz") as stored:
        tokens = Tokens.of_arrays(stored)
    error = None
    host = Host(tb, core, spec["pause"], spec["seed"])
    try:
        await host.begin()
        scenario = SCENARIOS[spec["scenario"]](host, tokens)
        found = await with_timeout(scenario, LONGEST_US, "us")
        assert not int(tb.unstable.value), "an offer was taken back or changed"
        np.savez(folder / "results.npz", **found, events=host.pins.events)
    except BaseException:
        error = host.fault or traceback.format_exc()
    (folder / "outcome.json").write_text(json.dumps({"error": error}))

"""What the tests of components share: a clocked simulation and seeded random numbers."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth import ClockDomain, Module
from amaranth.hdl import Elaboratable
from amaranth.sim import Simulator, SimulatorContext

sys.path.insert(0, str(Path(__file__).parent))

Testbench = Callable[[SimulatorContext, Any], Awaitable[None]]


def simulate_component(component: Elaboratable, testbench: Testbench) -> None:
    """Run ``testbench(ctx, reset)`` with ``component`` as top; ``reset`` is its clock's reset.

    In a testbench, what is set before ``await ctx.tick()`` belongs to the same cycle as what is
    read after it was set.
    """
    top = Module()
    top.domains.sync = domain = ClockDomain()
    top.submodules.component = component

    async def run(ctx: SimulatorContext) -> None:
        await testbench(ctx, domain.rst)

    simulator = Simulator(top)
    simulator.add_clock(1e-9)
    simulator.add_testbench(run)
    simulator.run()


@pytest.fixture
def simulate() -> Callable[[Elaboratable, Testbench], None]:
    return simulate_component


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers of this test alone; its seed is printed."""
    seed = sum(request.node.name.encode())
    print(f"seed {seed}")
    return np.random.default_rng(seed)

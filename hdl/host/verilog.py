"""The Verilog of a core with a host port."""

from dataclasses import replace
from functools import cache

from amaranth import ClockDomain, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from gaincell.core.bus import bus_core
from gaincell.core.config import CoreConfig
from gaincell.hdl.core.attention_core import AttentionCore
from gaincell.hdl.host.hosted_core import HostedCore
from gaincell.hdl.identifiers import check_identifier
from gaincell.hdl.payloads import packets
from gaincell.hdl.verilog import (
    NOT_RESET,
    array_wires,
    core_parts,
    core_summary,
    intermediate_of,
    modules_of,
)

TOP = "gaincell_core"
RESETS = {
    "sync": "aresetn is synchronous and must be low for one cycle before first use.",
    "async": "aresetn may fall at any time; it must rise clear of a rising edge of aclk.",
}


class AxiCore(HostedCore):
    """A ``HostedCore`` with clock and reset as AXI names them, for tools that know no Amaranth.

    Members
    -------
    aclk : In(1)
    aresetn : In(1)
        Low in reset.
    """

    def __init__(self, core: CoreConfig, *, core_module: str, reset: str) -> None:
        self._reset = reset
        super().__init__(core, core_module=core_module)

    def _clock_ports(self) -> dict[str, wiring.Member]:
        return {"aclk": In(1), "aresetn": In(1)}

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.domains.sync = sync = ClockDomain(async_reset=self._reset == "async")
        m.d.comb += [sync.clk.eq(self.aclk), sync.rst.eq(~self.aresetn)]
        return m


def host_verilog(core: CoreConfig, name: str = TOP, *, reset: str = "sync") -> str:
    """Verilog of a core with a host port as module ``name``; the core is ``name``_core.

    ``reset`` is as ``RESETS`` tells.

    Raises
    ------
    ValueError
        As ``bus_core`` and ``head_verilog``.
    """
    check_identifier(name)
    if reset not in RESETS:
        raise ValueError(f"reset is {reset!r}, but must be one of {', '.join(RESETS)}")
    # The saturations belong to the arrays.
    digital = replace(core.head, score_saturation=None, output_saturation=None)
    return generated(bus_core(replace(core, head=digital)), name, reset)


@cache
def generated(core: CoreConfig, name: str, reset: str) -> str:
    """As ``host_verilog``, of a core of ``bus_core``; its cache is cleared as that of heads is."""
    inner = f"{name}_core"
    top = AxiCore(core, core_module=inner, reset=reset)
    plans = core.head.timing, core.head.retention
    inside, parts = core_parts(top.inside.core, inner, *plans, reset)
    modules = modules_of([intermediate_of(top, name, reset), *parts])
    return _header(core, inside, reset) + modules


def _header(core: CoreConfig, inside: AttentionCore, reset: str) -> str:
    return f"""\
{core_summary(inside, "m_axis_request_tvalid stays low")}
//
// Streams are packets on AXI4-Stream, which TLAST ends: a query, a result, a refresh request, its
// response. Codes and outputs of dimension 0 are in the lowest bits of the first beat:
{packets(core)}
// array_pulse, array_sign: {array_wires(core)}
// Registers are on AXI4-Lite; docs/do/registers.md, or the C header, tells them.
// {RESETS[reset]}
{NOT_RESET}

"""

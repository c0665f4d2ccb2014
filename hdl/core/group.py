"""A group of heads as a module of its own: a core of several groups has one for each."""

# amaranth: UnusedElaboratable=no
from typing import Any

from amaranth import ClockSignal, Instance, Module, ResetSignal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.core.group_parts import GroupParts, code_widths


class Group(wiring.Component):
    """One of several groups of a core, in a module of its own, the same for all of them.

    Whatever it does, all groups do in the same cycle: its control ports are those of the others.

    Parameters
    ----------
    config : HeadConfig
        Of one head.
    result_places : int
        ``Schedule.result_places``.

    Members
    -------
    accept, writes : In(1)
        As of ``Admission``.
    q, k, v : In
        Codes of the token offered.
    k_from_token, v_from_token, k_from_response, v_from_response : In(1)
        Where the codes of a write come from; 0: codes 0.
    k_again, v_again : In
        Codes of the refresh response.
    query_start : In(1)
        As of ``QueryPulses``.
    converting : In(1)
        As of ``Readout``.
    pulse, sign : In(tiles * D)
        From the arrays of the group.
    take_result : In(1)
        The oldest result is taken.
    k_write_code, v_write_code : Out
        Codes on the write ports.
    query : Out(D)
        Query pulses.
    has_result, outputs : Out
        The oldest result, dimension 0 lowest.
    """

    def __init__(self, config: HeadConfig, result_places: int) -> None:
        self._config = config
        self._result_places = result_places
        super().__init__(group_ports(config))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts = GroupParts(m, self._config, self._result_places)
        parts.load(
            self.accept, self.writes, {name: getattr(self, name) for name in ("q", "k", "v")}
        )
        for name in ("k", "v"):
            ports = (f"{name}_{part}" for part in ("from_token", "from_response", "again"))
            code = parts.write_code(name, *(getattr(self, port) for port in ports))
            m.d.comb += getattr(self, f"{name}_write_code").eq(code)
        parts.pulse_queries(self.query_start)
        parts.read_out(self.converting, self.pulse, self.sign)
        valid, outputs = parts.result
        parts.take(self.take_result)
        m.d.comb += [
            self.query.eq(parts.query),
            self.has_result.eq(valid),
            self.outputs.eq(outputs),
        ]
        return m


class PlacedGroup:
    """A ``Group`` in a core, with the methods of ``GroupParts``.

    Parameters
    ----------
    m : Module
        Of the core.
    name : str
        Of the group.
    config, result_places
        As for ``Group``.
    module : str, optional
        The group is an instance of a module of this name, which is converted elsewhere.
    """

    def __init__(
        self, m: Module, name: str, config: HeadConfig, result_places: int, module: str | None
    ) -> None:
        self._m = m
        self._ports: Any
        if module is None:
            m.submodules[name] = self._ports = Group(config, result_places)
            return
        members = group_ports(config)
        self._ports = wiring.Signature(members).flip().create(path=(name,))
        sides = {
            f"{'i' if member.flow is In else 'o'}_{port}": getattr(self._ports, port)
            for port, member in members.items()
        }
        clock = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        m.submodules[name] = Instance(module, **clock, **sides)

    def _drive(self, **values: Value | None) -> None:
        self._m.d.comb += [getattr(self._ports, name).eq(value) for name, value in values.items()]

    def load(self, accept: Value, writes: Value, token: dict[str, Value]) -> None:
        self._drive(accept=accept, writes=writes, **token)

    def write_code(
        self, name: str, from_token: Value, from_response: Value | None, again: Value
    ) -> Value:
        sources = {"from_token": from_token, "from_response": from_response, "again": again}
        self._drive(
            **{f"{name}_{port}": 0 if value is None else value for port, value in sources.items()}
        )
        code: Value = getattr(self._ports, f"{name}_write_code")
        return code

    def pulse_queries(self, start: Value) -> None:
        self._drive(query_start=start)

    def read_out(self, converting: Value, pulse: Value, sign: Value) -> None:
        self._drive(converting=converting, pulse=pulse, sign=sign)

    @property
    def query(self) -> Value:
        query: Value = self._ports.query
        return query

    @property
    def result(self) -> tuple[Value, Value]:
        return self._ports.has_result, self._ports.outputs

    def take(self, ready: Value) -> None:
        self._drive(take_result=ready)


def group_ports(config: HeadConfig) -> dict[str, wiring.Member]:
    """Members of ``Group``."""
    widths, wires = code_widths(config), config.tiles * config.head_dim
    flags = ("accept", "writes", "query_start", "converting", "take_result")
    ports = {flag: In(1) for flag in flags}
    ports |= {name: In(width) for name, width in widths.items()}
    for name in ("k", "v"):
        ports |= {
            f"{name}_from_token": In(1),
            f"{name}_from_response": In(1),
            f"{name}_again": In(widths[name]),
            f"{name}_write_code": Out(widths[name]),
        }
    return ports | {
        "pulse": In(wires),
        "sign": In(wires),
        "query": Out(config.head_dim),
        "has_result": Out(1),
        "outputs": Out(config.result_width * config.head_dim),
    }

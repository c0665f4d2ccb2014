"""The registers of ``register_map`` as hardware."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.core.config import CoreConfig
from gaincell.hdl.host.axi import WORD_BITS, Response, axi_lite
from gaincell.hdl.host.axi_lite_port import BYTES, AxiLitePort
from gaincell.hdl.host.fields import Access, Field, Register
from gaincell.hdl.host.register_map import REGISTERS


class RegisterFile(wiring.Component):
    """Keeps what software writes and shows what the hardware tells.

    A write without any register is answered with DECERR, so is a read; one of a register that can
    only be read with SLVERR. A byte without its bit of WSTRB is not written. Reset clears all that
    is kept.

    Parameters
    ----------
    core : CoreConfig
        Source of the constants.

    Members
    -------
    bus : In(``axi_lite``)
    NAME : In
        A field of status, under the name of its register and its own.
    NAME : Out
        A stored field; or a sticky bit, set and not yet cleared.
    NAME_set : In(1)
        Sets a sticky bit, in the same cycle in which software clears it too; valid a cycle later.
    NAME_busy : In(1)
        What a trigger asked for is not done.
    NAME_asked : Out(1)
        Software asks for it in this cycle.
    """

    def __init__(self, core: CoreConfig) -> None:
        self._core = core
        members = {"bus": In(axi_lite())}
        for register in REGISTERS:
            for field in register.fields:
                name = register.port(field)
                if field.access is Access.STATUS:
                    members[name] = In(field.width)
                elif field.access is Access.STORED:
                    members[name] = Out(field.width)
                elif field.access is Access.STICKY:
                    members |= {name: Out(1), f"{name}_set": In(1)}
                elif field.access is Access.TRIGGER:
                    members |= {f"{name}_busy": In(1), f"{name}_asked": Out(1)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.axi_lite_port = port = AxiLitePort()
        wiring.connect(m, wiring.flipped(self.bus), port.bus)
        m.d.comb += [
            port.read_answer.eq(Response.DECERR),
            port.write_answer.eq(Response.DECERR),
        ]
        with m.Switch(port.read_index):
            for register in REGISTERS:
                with m.Case(register.offset // BYTES):
                    m.d.comb += [
                        port.read_data.eq(self._word(register)),
                        port.read_answer.eq(Response.OKAY),
                    ]
        with m.Switch(port.write_index):
            for register in REGISTERS:
                answer = Response.OKAY if register.written else Response.SLVERR
                with m.Case(register.offset // BYTES):
                    m.d.comb += port.write_answer.eq(answer)

        enabled = Cat(bit.replicate(8) for bit in port.write_strobe)
        for register in REGISTERS:
            if register.written:
                here = Signal(name=f"writes_{register.name}")
                m.d.comb += here.eq(port.write & (port.write_index == register.offset // BYTES))
                for field in register.fields:
                    bits = slice(field.low, field.low + field.width)
                    written = here.replicate(field.width) & enabled[bits]
                    self._write(m, register.port(field), field, written, port.write_data[bits])
        return m

    def _word(self, register: Register) -> Value:
        """What software reads."""
        bits = [Const(0, 1)] * WORD_BITS
        for field in register.fields:
            name = register.port(field)
            if field.access is Access.CONSTANT:
                value = Const(field.of(self._core), field.width)
            else:
                value = getattr(self, f"{name}_busy" if field.access is Access.TRIGGER else name)
            bits[field.low : field.low + field.width] = list(value)
        return Cat(bits)

    def _write(self, m: Module, name: str, field: Field, written: Value, data: Value) -> None:
        """``data`` is written to the bits ``written``."""
        if field.access is Access.STORED:
            held = getattr(self, name)
            m.d.sync += held.eq((held & ~written) | (data & written))
        elif field.access is Access.STICKY:
            held = getattr(self, name)
            m.d.sync += held.eq(Mux(getattr(self, f"{name}_set"), 1, held & ~(data & written)))
        elif field.access is Access.TRIGGER:
            m.d.comb += getattr(self, f"{name}_asked").eq(data & written)

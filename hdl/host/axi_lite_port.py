"""AXI4-Lite transactions to reads and writes of registers."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gaincell.hdl.host.axi import ADDRESS_BITS, WORD_BITS, axi_lite

BYTES = WORD_BITS // 8
INDEX_BITS = ADDRESS_BITS - (BYTES - 1).bit_length()


class AxiLitePort(wiring.Component):
    """Answers each transaction once, and takes one read and one write at a time.

    Address and data of a write may come in any order. The write is performed in the cycle after
    both are there and no earlier answer waits; its answer is valid in the cycle behind that. A read
    is answered in the cycle after its address was taken. Every output of the bus comes from a flop
    or its inverse: none follows an input within the cycle. Reset abandons all transactions.

    The lowest two bits of addresses and the protection bits are ignored.

    Members
    -------
    bus : In(``axi_lite``)
    write : Out(1)
        ``write_index``, ``write_data`` and ``write_strobe``, a bit for each byte, are written in
        this cycle.
    write_answer : In(2)
        ``Response`` of that write, within the cycle.
    read : Out(1)
        ``read_index`` is read in this cycle.
    read_data, read_answer : In
        Its word and ``Response``, within the cycle.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "bus": In(axi_lite()),
                "write": Out(1),
                "write_index": Out(INDEX_BITS),
                "write_data": Out(WORD_BITS),
                "write_strobe": Out(BYTES),
                "write_answer": In(2),
                "read": Out(1),
                "read_index": Out(INDEX_BITS),
                "read_data": In(WORD_BITS),
                "read_answer": In(2),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._answer_writes(m)
        self._answer_reads(m)
        return m

    def _answer_writes(self, m: Module) -> None:
        bus = self.bus
        has_address, has_data = Signal(), Signal()
        m.d.comb += [
            bus.awready.eq(~has_address),
            bus.wready.eq(~has_data),
            self.write.eq(has_address & has_data & ~bus.bvalid),
        ]
        with m.If(self.write):
            m.d.sync += [has_address.eq(0), has_data.eq(0)]
            m.d.sync += [bus.bvalid.eq(1), bus.bresp.eq(self.write_answer)]
        with m.Elif(bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += [has_address.eq(1), self.write_index.eq(bus.awaddr[-INDEX_BITS:])]
        with m.If(bus.wvalid & bus.wready):
            m.d.sync += has_data.eq(1)
            m.d.sync += [self.write_data.eq(bus.wdata), self.write_strobe.eq(bus.wstrb)]

    def _answer_reads(self, m: Module) -> None:
        bus = self.bus
        m.d.comb += [
            bus.arready.eq(~bus.rvalid),
            self.read.eq(bus.arvalid & bus.arready),
            self.read_index.eq(bus.araddr[-INDEX_BITS:]),
        ]
        with m.If(self.read):
            m.d.sync += bus.rvalid.eq(1)
            m.d.sync += [bus.rdata.eq(self.read_data), bus.rresp.eq(self.read_answer)]
        with m.Elif(bus.rready):
            m.d.sync += bus.rvalid.eq(0)

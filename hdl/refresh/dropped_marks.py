"""A memory of one bit for every column: a module of its own, so a memory macro can replace it."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from gaincell.hdl.layouts import index_shape


class DroppedMarks(wiring.Component):
    """A memory of one bit per column, with a write port and a read port, and without reset.

    A read takes one cycle. A read and a write of the same address in one cycle return the old bit.

    Parameters
    ----------
    tiles, columns : int
        Number of sub-tiles, and of columns in each.

    Members
    -------
    write, write_tile, write_column, mark : In
        In a cycle with ``write``, ``mark`` is stored.
    read_tile, read_column : In
        Address to read.
    marked : Out(1)
        The bit at the address of the cycle before.
    """

    def __init__(self, tiles: int, columns: int) -> None:
        tile, column = index_shape(tiles), index_shape(columns)
        self._depth = tiles << column.width
        super().__init__(
            {
                "write": In(1),
                "write_tile": In(tile),
                "write_column": In(column),
                "mark": In(1),
                "read_tile": In(tile),
                "read_column": In(column),
                "marked": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.bits = bits = memory.Memory(shape=1, depth=self._depth, init=[])
        write, read = bits.write_port(), bits.read_port()
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(Cat(self.write_column, self.write_tile)),
            write.data.eq(self.mark),
            read.en.eq(1),
            read.addr.eq(Cat(self.read_column, self.read_tile)),
            self.marked.eq(read.data),
        ]
        return m

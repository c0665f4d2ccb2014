"""A bit for every column, in a module of its own so that a memory macro can take its place."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from gaincell.hdl.layouts import index_shape


class DroppedMarks(wiring.Component):
    """A memory of one bit per column, with a write port and a read port, and without reset.

    Parameters
    ----------
    tiles, columns : int
        Number of sub-tiles, and of columns in each.

    Members
    -------
    write, write_tile, write_column, mark : In
        ``mark`` is stored at the end of a cycle with ``write``.
    read_tile, read_column : In
    marked : Out(1)
        What was stored there when the cycle before began.
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

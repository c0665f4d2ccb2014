"""The paper's readout: a pulse counter with sign for every sub-tile and dimension."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Signal

from gaincell.hdl.readout.base import Readout
from gaincell.hdl.readout.bit_planes import add, extended, half_adder, sum_columns
from gaincell.hdl.readout.sample_strobes import sample_strobes, synchronized


class CounterReadout(Readout):
    """Counts each pulse, then adds the signed counts of all sub-tiles in a tree of adders.

    A negative count is its complement less n, so the tree adds count xor sign, and n times the
    popcount of the signs is taken off the sum. Everything else as for ``Readout``.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        tiles, dims, width = config.tiles, config.head_dim, config.result_width
        at = sample_strobes(m, self.converting, config.sync_stages)

        sampled = synchronized(m, self.pulse, self.converting, config.sync_stages)
        count = [
            Signal(tiles * dims, name=f"count_{bit}", reset_less=True)
            for bit in range(config.readout_bits)
        ]
        negative = Signal(tiles * dims, reset_less=True)
        carry = sampled
        for bit, plane in enumerate(count):
            counted, carry = half_adder(m, f"next_count_{bit}", plane, carry)
            with m.If(at.prepare):
                m.d.sync += plane.eq(0)
            with m.Elif(at.sample):
                m.d.sync += plane.eq(counted)
        with m.If(at.prepare):
            m.d.sync += negative.eq(self.sign)

        columns = []
        for bit, plane in enumerate(count):
            flipped = Signal(tiles * dims, name=f"flipped_{bit}")
            m.d.comb += flipped.eq(plane ^ negative)
            columns.append([flipped.word_select(tile, dims) for tile in range(tiles)])
        signs = [negative.word_select(tile, dims) for tile in range(tiles)]
        negatives = extended(sum_columns(m, "negatives", [signs]), width)
        # sum - n * negatives = (sum + negatives) - (negatives << bits), n being 2**bits - 1
        columns[0] += signs
        unsigned_sum = extended(sum_columns(m, "counts", columns), width)
        shifted = extended([Signal(dims, name="idle")] * config.readout_bits + negatives, width)
        borrowed = [Signal(dims, name=f"borrowed_{bit}") for bit in range(width)]
        m.d.comb += [node.eq(~plane) for node, plane in zip(borrowed, shifted, strict=True)]
        one = Signal(dims, init=-1)
        summed = add(m, "sum", unsigned_sum, borrowed, one)

        total = Signal.like(self.total, reset_less=True)
        with m.If(at.finish):
            m.d.sync += total.eq(Cat(summed))
        m.d.comb += [self.total.eq(total), self.done.eq(at.done)]
        return m

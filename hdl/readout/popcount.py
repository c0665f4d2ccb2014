"""Readout without counters: in each cycle it adds the signed pulses of all sub-tiles."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal

from gaincell.hdl.readout.base import Readout
from gaincell.hdl.readout.bit_planes import add, extended, sum_columns
from gaincell.hdl.readout.sample_strobes import sample_strobes, synchronized


class PopcountReadout(Readout):
    """Adds popcount(pulse xor sign) over the sub-tiles in every sampled cycle.

    A negative sub-tile's pulse counts down from n instead of up from 0, so the sum starts at
    -n * popcount(sign). That popcount needs no hardware of its own: it is what the tree shows
    while the sampling flops still hold the idle pulses.

    The tree adds the sampled bits and the lowest bits of the total at once, and keeps what is
    carried beyond them for one cycle: fewer flops than a popcount that is kept as a whole.
    Everything else as for ``Readout``.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        dims, bits, width = config.head_dim, config.readout_bits, config.result_width
        at = sample_strobes(m, self.converting, config.sync_stages)

        sampled = synchronized(m, self.pulse, self.converting, config.sync_stages)
        flipped = Signal(config.tiles * dims)
        kept = Signal(bits * dims)
        # Two registers, as their enables differ: each may have a gated clock.
        low_total = Signal(bits * dims, reset_less=True)
        high_total = Signal((width - bits) * dims, reset_less=True)
        low = [low_total.word_select(bit, dims) for bit in range(bits)]
        high = [high_total.word_select(bit, dims) for bit in range(width - bits)]
        m.d.comb += [
            flipped.eq(sampled ^ self.sign),
            kept.eq(Mux(at.prepare, 0, Cat(low))),
        ]
        columns = [[kept.word_select(bit, dims)] for bit in range(bits)]
        columns[0] = [flipped.word_select(t, dims) for t in range(config.tiles)] + columns[0]
        summed = sum_columns(m, "sum", columns)
        carried = [
            Signal(dims, name=f"carried_{bit}", reset_less=True)
            for bit in range(len(summed) - bits)
        ]
        with m.If(at.prepare | at.sample):
            m.d.sync += [
                flop.eq(plane) for flop, plane in zip([*low, *carried], summed, strict=True)
            ]

        # At first S - (S << bits), with S = low + (carried << bits) the popcount of the signs. The
        # low bits are right already, the high ones begin at carried - S = carried + ~S + 1.
        first = Signal()
        more = extended(carried, width - bits)
        signs = extended([*low, *carried], width - bits)
        base = [Signal(dims, name=f"base_{bit}") for bit in range(1, width - bits)]
        m.d.comb += first.eq(at.prepared)
        m.d.comb += [
            node.eq(Mux(first, ~ones, held))
            for node, ones, held in zip(base, signs[1:], high[1:], strict=True)
        ]
        lowest = Signal(dims)
        carry = Signal(dims)
        m.d.comb += [
            lowest.eq(Mux(first, signs[0], high[0]) ^ more[0]),
            carry.eq(Mux(first, more[0] | ~signs[0], more[0] & high[0])),
        ]
        raised = [lowest, *add(m, "raised", base, more[1:], carry)]
        with m.If(at.prepared | at.sampled):
            m.d.sync += [flop.eq(plane) for flop, plane in zip(high, raised, strict=True)]

        m.d.comb += [self.total.eq(Cat(low_total, high_total)), self.done.eq(at.done)]
        return m

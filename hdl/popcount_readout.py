"""Readout without counters: the signed sum of all pulses, one clock cycle after the other."""

# amaranth: UnusedElaboratable=no
from amaranth import Module, Mux, Signal

from gaincell.hdl.bit_planes import add, extended, sum_columns
from gaincell.hdl.readout import Readout
from gaincell.hdl.sample_strobes import sample_strobes, synchronized


class PopcountReadout(Readout):
    """Adds popcount(pulse xor sign) over the sub-tiles in every sampled cycle.

    A negative sub-tile's pulse counts down from n instead of up from 0, so the sum starts at
    -n * popcount(sign). That popcount needs no hardware of its own: it is what the tree shows
    while the sampling flops still hold the idle pulses. Everything else as for ``Readout``.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        dims, bits, width = config.head_dim, config.readout_bits, config.result_width
        at = sample_strobes(m, self.converting, config.sync_stages)

        sampled = synchronized(m, self.pulse, self.converting, config.sync_stages)
        flipped = Signal(config.tiles * dims)
        m.d.comb += flipped.eq(sampled ^ self.sign)
        ones = sum_columns(m, "ones", [[flipped.word_select(t, dims) for t in range(config.tiles)]])
        ones_held = [Signal(dims, name=f"ones_held_{bit}") for bit in range(len(ones))]
        with m.If(at.prepare | at.sample):
            m.d.sync += [flop.eq(plane) for flop, plane in zip(ones_held, ones, strict=True)]

        # At first -(ones << bits) = ~(ones << bits) + 1, with ones the popcount of the signs.
        total = [self.total.word_select(bit, dims) for bit in range(width)]
        first = Signal()
        idle = Signal(dims)
        m.d.comb += first.eq(at.prepared)
        correction = extended([idle] * bits + ones_held, width)
        base = [Signal(dims, name=f"base_{bit}") for bit in range(width)]
        m.d.comb += [
            node.eq(Mux(first, ~shifted, held))
            for node, shifted, held in zip(base, correction, total, strict=True)
        ]
        summed = add(m, "sum", base, extended(ones_held, width), first.replicate(dims))
        with m.If(at.prepared | at.sampled):
            m.d.sync += [flop.eq(plane) for flop, plane in zip(total, summed, strict=True)]

        m.d.comb += self.done.eq(at.done)
        return m

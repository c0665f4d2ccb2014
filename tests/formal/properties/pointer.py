# amaranth: UnusedElaboratable=no
"""The write pointer: every token at its place, the count of what is stored exact."""

from amaranth import Array, Mux, Signal
from formal.bench import Bench

from gaincell.config import HeadConfig
from gaincell.hdl.write_pointer import WritePointer


def counts_tokens(b: Bench, config: HeadConfig) -> None:
    """Pointer and fill are in range and go on by one place per token, from 0 in each sequence."""
    pointer = WritePointer(config)
    b.add("pointer", pointer)
    window, sink = config.window, config.sink
    b.free(pointer.advance)
    b.free(pointer.first)

    begun = Signal()
    token = b.counter("token", window + sink)  # of the sequence; stays at its largest value
    slot = b.counter("slot", window - 1)  # token modulo the window
    b.assume(begun | ~pointer.advance | pointer.first)
    with b.m.If(pointer.advance):
        b.m.d.sync += begun.eq(1)
        with b.m.If(pointer.first):
            b.m.d.sync += [token.eq(0), slot.eq(0)]
        with b.m.Else():
            b.m.d.sync += [
                token.eq(Mux(token == window + sink, token, token + 1)),
                slot.eq(Mux(slot == window - 1, 0, slot + 1)),
            ]

    tile = Array([place // config.columns for place in range(window)])[slot]
    column = Array([place % config.columns for place in range(window)])[slot]
    stored = Mux(token < window + sink, token + 1, window + sink)
    b.always(~begun | (pointer.tile == Mux(token < sink, config.ring_tiles, tile)))
    b.always(~begun | (pointer.column == column))
    b.always(pointer.fill == Mux(begun, stored, 0))
    b.always((pointer.tile < config.tiles) & (pointer.column < config.columns))
    b.always((pointer.ring_tile < config.ring_tiles) & (pointer.fill <= window + sink))

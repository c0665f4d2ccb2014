"""The widths of a core's streams on a bus of bytes."""

from __future__ import annotations

from dataclasses import replace

from gaincell.core.config import CoreConfig, beats_of

LEAST_BUS_BITS = 32
MOST_TILES = 1 << 16
"""Sub-tiles that a request on a bus can name."""


def bus_core(core: CoreConfig) -> CoreConfig:
    """``core`` with all streams in beats of whole bytes.

    A width that the core leaves open is the narrowest power of two, at least ``LEAST_BUS_BITS``,
    that keeps the core's rate: a payload has no more beats than the interval has cycles.

    Raises
    ------
    ValueError
        A width is no whole number of bytes, or there are too many sub-tiles.
    """
    if core.head.tiles > MOST_TILES:
        raise ValueError(
            f"a head has {core.head.tiles} sub-tiles, but at most {MOST_TILES} are possible with a "
            "bus; raise columns"
        )
    payloads = {
        "token_beat_bits": core.token_bits,
        "result_beat_bits": core.result_bits,
        "refresh_beat_bits": core.stored_bits,
    }
    widths = {}
    for name, bits in payloads.items():
        width = getattr(core, name)
        if width is None:
            width = _narrowest(bits, core.head.interval_cycles)
        elif width % 8:
            raise ValueError(
                f"{name} is {width}, but must be a multiple of 8 bits, as AXI4-Stream demands"
            )
        widths[name] = width
    return replace(core, **widths)


def bus_bytes(core: CoreConfig) -> tuple[int, int, int]:
    """Bytes of a beat of tokens, results and refresh responses, of a core of ``bus_core``."""
    token, result, refresh = core.token_beat_bits, core.result_beat_bits, core.refresh_beat_bits
    assert token is not None
    assert result is not None
    assert refresh is not None
    return token // 8, result // 8, refresh // 8


def _narrowest(bits: int, cycles: int) -> int:
    width = LEAST_BUS_BITS
    while beats_of(bits, width) > cycles:
        width *= 2
    return width

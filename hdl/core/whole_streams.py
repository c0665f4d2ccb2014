"""The streams of a core without their beats: what its control deals with."""

# amaranth: UnusedElaboratable=no
from collections.abc import Callable
from typing import Any

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.core.downsizer import Downsizer
from gaincell.hdl.core.upsizer import Upsizer
from gaincell.hdl.layouts import (
    TAGS,
    index_shape,
    response_beat_layout,
    response_layout,
    result_beat_layout,
    result_layout,
    token_beat_layout,
    token_layout,
)


def stream_layouts(core: CoreConfig) -> tuple[data.Layout, data.Layout, data.Layout]:
    """Payloads of tokens, results and responses: of a beat, or whole."""
    config = core.lock_step

    def carried(
        whole: Callable[[HeadConfig], data.Layout],
        beat: Callable[[int], data.Layout],
        bits: int | None,
    ) -> data.Layout:
        return whole(config) if bits is None else beat(bits)

    return (
        carried(token_layout, token_beat_layout, core.token_beat_bits),
        carried(result_layout, result_beat_layout, core.result_beat_bits),
        carried(response_layout, response_beat_layout, core.refresh_beat_bits),
    )


def whole_tokens(m: Module, core: CoreConfig, tokens: Any) -> Any:
    """``tokens`` as a stream of ``token_layout``.

    A further query has its q only. Whether a query is one is told from its first beat, as
    ``Admission`` tells it: the first query after reset never is.
    """
    if core.token_beat_bits is None:
        return tokens
    m.submodules.token_upsizer = upsizer = Upsizer(
        bits=core.token_bits,
        beat_bits=core.token_beat_bits,
        side=data.StructLayout({"first": 1, "further": 1}),
        few_bits=core.query_bits,
    )
    begun = Signal()
    with m.If(tokens.valid & tokens.ready):
        m.d.sync += begun.eq(1)
    m.d.comb += upsizer.few.eq(tokens.payload.further & ~tokens.payload.first & begun)
    return _collected(m, "token", tokens, upsizer, token_layout(core.lock_step))


def whole_responses(m: Module, core: CoreConfig, responses: Any) -> Any:
    """``responses`` as a stream of ``response_layout``."""
    if core.refresh_beat_bits is None:
        return responses
    m.submodules.response_upsizer = upsizer = Upsizer(
        bits=core.stored_bits, beat_bits=core.refresh_beat_bits, side=index_shape(TAGS)
    )
    return _collected(m, "response", responses, upsizer, response_layout(core.lock_step))


def whole_results(m: Module, core: CoreConfig, results: Any) -> Any:
    """A stream of ``result_layout`` that leaves on ``results``."""
    if core.result_beat_bits is None:
        return results
    m.submodules.result_downsizer = downsizer = Downsizer(
        bits=core.result_bits, beat_bits=core.result_beat_bits
    )
    wiring.connect(m, wiring.flipped(results), downsizer.beat)
    whole = stream.Signature(result_layout(core.lock_step)).create(path=("whole_result",))
    m.d.comb += [
        downsizer.whole.valid.eq(whole.valid),
        downsizer.whole.payload.eq(whole.payload.as_value()),
        whole.ready.eq(downsizer.whole.ready),
    ]
    return whole


def _collected(
    m: Module, name: str, beats: Any, upsizer: Upsizer, layout: data.StructLayout
) -> Any:
    """The payloads that ``upsizer`` collects from ``beats``, as a stream of ``layout``."""
    whole = stream.Signature(layout).create(path=(f"whole_{name}",))
    m.d.comb += [
        upsizer.beat.valid.eq(beats.valid),
        upsizer.beat.payload.as_value().eq(beats.payload.as_value()),
        beats.ready.eq(upsizer.beat.ready),
        whole.valid.eq(upsizer.whole.valid),
        whole.payload.as_value().eq(upsizer.whole.payload.as_value()),
        upsizer.whole.ready.eq(whole.ready),
    ]
    return whole

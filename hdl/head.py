"""The digital control of one attention head."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from gaincell.config import HeadConfig
from gaincell.hdl.admission import Admission
from gaincell.hdl.bit_planes import numbers_of
from gaincell.hdl.counter_readout import CounterReadout
from gaincell.hdl.layouts import array_port, result_layout, token_layout
from gaincell.hdl.popcount_readout import PopcountReadout
from gaincell.hdl.query_pulses import QueryPulses
from gaincell.hdl.result_queue import ResultQueue
from gaincell.hdl.sequencer import CONVERTER_PHASES, Sequencer
from gaincell.hdl.write_pointer import WritePointer

READOUTS = {"popcount": PopcountReadout, "counters": CounterReadout}


class Head(wiring.Component):
    """Tokens in, attention outputs out, everything in between on the wires to the arrays.

    Latency from accept to a valid result is ``config.latency_cycles``, and ``write_cycles`` more
    for a token that starts a sequence; a token is accepted every ``config.interval_cycles`` while
    results are taken. Results come in the order of tokens, one each. Reset abandons all tokens in
    flight; the next token starts a sequence.

    Parameters
    ----------
    config : HeadConfig

    Members
    -------
    token : In(stream of ``token_layout``)
        ``ready`` does not wait for ``valid``.
    result : Out(stream of ``result_layout``)
        ``valid`` does not wait for ``ready``; the payload holds while it waits.
    array : Out(``array_port``)
    """

    def __init__(self, config: HeadConfig) -> None:
        self.config = config
        super().__init__(
            {
                "token": In(stream.Signature(token_layout(config))),
                "result": Out(stream.Signature(result_layout(config))),
                "array": Out(array_port(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, array = self.config, self.array
        m.submodules.admission = admission = Admission(config)
        m.submodules.sequencer = sequencer = Sequencer(config)
        m.submodules.write_pointer = write_pointer = WritePointer(config)
        m.submodules.query_pulses = query_pulses = QueryPulses(config)
        m.submodules.readout = readout = READOUTS[config.readout](config)
        m.submodules.result_queue = result_queue = ResultQueue(config)

        accept = self.token.valid & admission.ready
        codes = Signal.like(self.token.payload)
        with m.If(accept):
            m.d.sync += codes.eq(self.token.payload)

        m.d.comb += [
            self.token.ready.eq(admission.ready),
            admission.accept.eq(accept),
            admission.first.eq(self.token.payload.first),
            admission.deliver.eq(self.result.valid & self.result.ready),
            admission.newest_age.eq(sequencer.newest_age),
            sequencer.launch.eq(admission.launch),
            sequencer.next_clear_age.eq(admission.next_clear_age),
            write_pointer.advance.eq(accept),
            write_pointer.first.eq(admission.starts_sequence),
        ]
        m.d.comb += [getattr(array, name).eq(getattr(sequencer, name)) for name in CONVERTER_PHASES]

        writes = (
            (array.k_write, sequencer.k_write, sequencer.k_clear, codes.k),
            (array.v_write, sequencer.v_write, sequencer.v_clear, codes.v),
        )
        for port, enable, clear, code in writes:
            m.d.comb += [
                port.enable.eq(enable),
                port.broadcast.eq(clear),
                port.tile.eq(write_pointer.tile),
                port.column.eq(write_pointer.column),
                port.code.as_value().eq(Mux(clear, 0, code.as_value())),
            ]

        m.d.comb += [
            query_pulses.start.eq(sequencer.query_start),
            query_pulses.code.eq(codes.q),
            array.query.eq(query_pulses.pulse),
            readout.converting.eq(sequencer.v_convert.any()),
            readout.pulse.eq(array.pulse),
            readout.sign.eq(array.sign),
            result_queue.done.eq(readout.done),
            result_queue.total.eq(readout.total),
        ]
        planes = [
            result_queue.result.payload.word_select(bit, config.head_dim)
            for bit in range(config.result_width)
        ]
        m.d.comb += [
            self.result.valid.eq(result_queue.result.valid),
            self.result.payload.as_value().eq(Cat(numbers_of(planes))),
            result_queue.result.ready.eq(self.result.ready),
        ]
        return m

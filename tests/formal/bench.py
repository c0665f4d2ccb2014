# amaranth: UnusedElaboratable=no
"""What a property is written in: free inputs, memory of the cycle before, assertions."""

from amaranth import Module, Mux, Signal
from amaranth.back import rtlil
from amaranth.hdl import Assert, Assume, Value, ValueCastable, ValueLike
from amaranth.lib.wiring import Component

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.core.attention_core import AttentionCore
from gaincell.schedule import Schedule


class Bench:
    """A module around a component under proof.

    The proof starts in the state after reset, and reset may come again at any time: it resets the
    shadow state of the bench, too.
    """

    def __init__(self) -> None:
        self.m = Module()
        self._ports: list[Value] = []
        self._count = 0
        self._started = Signal(name="started")
        self.m.d.sync += self._started.eq(1)

    def add(self, name: str, component: Component) -> Module:
        """Make ``component`` part of the design; the ports of its named parts may be looked at."""
        inside = component.elaborate(None)
        self.m.submodules[name] = inside
        return inside

    def free(self, signal: ValueCastable | Value) -> None:
        """Let an undriven ``signal`` take any value in any cycle."""
        self._ports.append(Value.cast(signal))

    def any(self, name: str, shape: int = 1) -> Signal:
        """A signal of any value, in each cycle another."""
        signal = Signal(shape, name=name)
        self.free(signal)
        return signal

    def constant(self, name: str, bound: int) -> Signal:
        """A number below ``bound``, any, that never changes: what holds for it holds for all."""
        chosen = self.any(f"any_{name}", max(1, (bound - 1).bit_length()))
        held = self.held(chosen)
        constant = Signal.like(chosen, name=name)
        self.m.d.comb += constant.eq(Mux(self._started, held, chosen))
        with self.m.If(self._started):
            self.m.d.sync += held.eq(held)
        self.assume(constant < bound)
        return constant

    def held(self, value: ValueLike) -> Signal:
        """Value of the cycle before; 0 in the first."""
        value = Value.cast(value)
        self._count += 1
        past = Signal(len(value), name=f"past_{self._count}")
        self.m.d.sync += past.eq(value)
        return past

    def delayed(self, value: ValueLike, cycles: int) -> Value:
        """Value of ``cycles`` cycles before; 0 until then."""
        value = Value.cast(value)
        for _ in range(cycles):
            value = self.held(value)
        return value

    def counter(self, name: str, largest: int, init: int = 0) -> Signal:
        """A register for shadow state, 0..``largest``."""
        return Signal(range(largest + 1), name=name, init=init)

    def wire(self, name: str, value: ValueLike) -> Signal:
        """A name for ``value``."""
        value = Value.cast(value)
        signal = Signal(value.shape(), name=name)
        self.m.d.comb += signal.eq(value)
        return signal

    def always(self, condition: ValueLike) -> None:
        """To be proved: holds in every cycle."""
        self.m.d.comb += Assert(condition)

    def assume(self, condition: ValueLike) -> None:
        """What the surroundings promise in every cycle."""
        self.m.d.comb += Assume(condition)

    def design(self) -> str:
        """RTLIL of the bench as module ``top``."""
        return rtlil.convert(self.m, name="top", ports=self._ports, emit_src=False)


class HeadBench(Bench):
    """A whole head whose every input is free.

    Properties are stated for ``config``; the head follows ``timing``, the config's own unless a bug
    is planted. Responses keep the rule of a stream: an offer stands until it is taken.
    """

    def __init__(self, config: HeadConfig, timing: Schedule | None = None) -> None:
        super().__init__()
        self.config = config
        self.head = head = AttentionCore(CoreConfig(head=config), timing=timing)
        inside = self.add("head", head)
        self.admission = inside.submodules.admission
        self.sequencer = inside.submodules.sequencer
        self.pointer = inside.submodules.write_pointer
        self.readout = inside.submodules.readout
        self.refresh = inside.submodules.refresh if config.retention is not None else None

        self.array, self.token, self.result = head.array, head.token, head.result
        self.request, self.response = head.refresh_request, head.refresh_response
        for each in (self.token, self.response):
            self.free(each.valid)
            self.free(each.payload)
        for wire in (self.result.ready, self.request.ready, self.array.pulse, self.array.sign):
            self.free(wire)
        offer = self.response.valid & ~self.response.ready
        was_offered, was = self.held(offer), self.held(self.response.payload)
        self.assume(
            ~was_offered | (self.response.valid & (self.response.payload.as_value() == was))
        )

        self.accept = self.wire("accept", self.token.valid & self.token.ready)
        self.deliver = self.wire("deliver", self.result.valid & self.result.ready)
        some_accepted = Signal()
        with self.m.If(self.accept):
            self.m.d.sync += some_accepted.eq(1)
        payload = self.token.payload
        self.starts = self.wire("starts", self.accept & (payload.first | ~some_accepted))
        self.writes = self.wire("writes", self.starts | (self.accept & ~payload.further))

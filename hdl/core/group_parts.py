"""Code registers, query pulses, readout and results of one group of heads."""

# amaranth: UnusedElaboratable=no
from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Value

from gaincell.config import HeadConfig
from gaincell.hdl.query_pulses import QueryPulses
from gaincell.hdl.readout import READOUTS
from gaincell.hdl.readout.bit_planes import numbers_of
from gaincell.hdl.result_queue import ResultQueue


class GroupParts:
    """The hardware of one group, added to a module: the group's own, or that of a lone head.

    Parameters
    ----------
    inside : Module
    config : HeadConfig
        Of one head.
    result_places : int
        ``Schedule.result_places``.
    """

    def __init__(self, inside: Module, config: HeadConfig, result_places: int) -> None:
        self._m = inside
        self._config = config
        self._result_places = result_places
        self._codes = {
            name: Signal(width, name=f"{name}_code", reset_less=True)
            for name, width in code_widths(config).items()
        }

    def load(self, accept: Value, writes: Value, token: dict[str, Value]) -> None:
        """Keep the codes of a token that is accepted; of a further query, q only."""
        codes = self._codes
        with self._m.If(accept):
            self._m.d.sync += codes["q"].eq(token["q"])
            with self._m.If(writes):
                self._m.d.sync += [codes[name].eq(token[name]) for name in ("k", "v")]

    def write_code(
        self, name: str, from_token: Value, from_response: Value | None, again: Value
    ) -> Value:
        """Codes for the write port ``name``: of the token, or ``again`` of a response, or else 0.

        ``from_response`` is None for a head that never refreshes.
        """
        written_again = 0 if from_response is None else Mux(from_response, again, 0)
        return Mux(from_token, self._codes[name], 0) | written_again

    def pulse_queries(self, start: Value) -> None:
        """Begin query pulses in the cycle after ``start``."""
        self._m.submodules.query_pulses = query_pulses = QueryPulses(self._config)
        self._m.d.comb += [
            query_pulses.start.eq(start),
            query_pulses.code.eq(self._codes["q"]),
        ]
        self.query: Value = query_pulses.pulse

    def read_out(self, converting: Value, pulse: Value, sign: Value) -> None:
        """Sum pulses while ``converting``, and keep the results."""
        submodules, config = self._m.submodules, self._config
        submodules.readout = readout = READOUTS[config.readout](config)
        submodules.result_queue = result_queue = ResultQueue(
            width=config.result_width * config.head_dim, places=self._result_places
        )
        self._m.d.comb += [
            readout.converting.eq(converting),
            readout.pulse.eq(pulse),
            readout.sign.eq(sign),
            result_queue.done.eq(readout.done),
            result_queue.total.eq(readout.total),
        ]
        self._result = result_queue.result

    @property
    def result(self) -> tuple[Value, Value]:
        """Whether there is a result, and its outputs, dimension 0 lowest."""
        config, planes = self._config, self._result.payload
        each = [planes.word_select(bit, config.head_dim) for bit in range(config.result_width)]
        return self._result.valid, Cat(numbers_of(each))

    def take(self, ready: Value) -> None:
        """``ready``: the result is taken."""
        self._m.d.comb += self._result.ready.eq(ready)


def code_widths(config: HeadConfig) -> dict[str, int]:
    """Bits of the codes q, k and v of a head."""
    bits = {"q": config.query_bits, "k": config.key_bits, "v": config.value_bits}
    return {name: config.head_dim * each for name, each in bits.items()}

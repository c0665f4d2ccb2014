"""Reads phases, results and output pulses of each token from a waveform."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from gaincell.config import HeadConfig
from gaincell.pictures.waveform import read_cycles
from gaincell.schedule import Span

PHASES = (
    "k_enable",
    "k_reset",
    "k_integrate",
    "v_enable",
    "v_reset",
    "v_integrate",
    "v_convert",
)
"""Wires that are high while a phase runs. Paired integrators have one bit each."""
BROADCAST = {"k_enable": "k_broadcast", "v_enable": "v_broadcast"}


@dataclass(frozen=True)
class Output:
    """One output pulse of a token: the wire, the cycles for which it is high, and its sign."""

    wire: int
    span: Span
    negative: bool


class Recording:
    """The tokens of a waveform: when they were accepted, their phases and their results.

    Attributes
    ----------
    accepts, valids : list of int
        Cycle in which each token was accepted, and in which its result became valid.
    phases : dict
        Spans of each phase, by wire, one per token.
    clears : dict
        Spans of the broadcast writes, by wire.
    """

    def __init__(self, waveform: Path, config: HeadConfig) -> None:
        self.waveform = waveform
        # A test bench with nothing to take may leave its ready unknown.
        self.wires = read_cycles(waveform, _widths(config), may_be_unknown=("result_ready",))
        self.tile_wires = config.tiles * config.head_dim
        self.accepts = self._transfers("token")
        self.valids = self._valid_cycles()
        self.phases: dict[str, list[Span]] = {}
        self.clears: dict[str, list[Span]] = {}
        for wire in PHASES:
            enable = self.wires[wire]
            broadcast = self.wires[BROADCAST[wire]] if wire in BROADCAST else []
            kinds = _kinds(enable, broadcast)
            spans = _spans(kinds)
            self.clears[wire] = [span for span in spans if kinds[span.start] == 2]
            self.phases[wire] = [span for span in spans if kinds[span.start] == 1]

    @property
    def tokens(self) -> int:
        """Tokens whose result is in the recording."""
        return len(self.valids)

    def outputs(self, token: int) -> list[Output]:
        """Pulses of ``token`` on the output wires, one for each wire that goes high."""
        phase = self.phases["v_convert"][token]
        cycles = self.wires["pulse"][phase.start : phase.end]
        sign = self.wires["sign"][phase.start]
        ever = 0
        for value in cycles:
            ever |= value
        # of a head whose converters are late all pulses begin some cycles behind the phase
        begin = phase.start + next((place for place, value in enumerate(cycles) if value), 0)
        return [
            Output(
                wire,
                Span(begin, begin + sum(value >> wire & 1 for value in cycles)),
                bool(sign >> wire & 1),
            )
            for wire in range(self.tile_wires)
            if ever >> wire & 1
        ]

    def _transfers(self, stream: str) -> list[int]:
        valid, ready = self.wires[f"{stream}_valid"], self.wires[f"{stream}_ready"]
        return [cycle for cycle in range(len(valid)) if valid[cycle] and ready[cycle]]

    def _valid_cycles(self) -> list[int]:
        """Cycle in which each result becomes valid. A result stays valid until it is taken."""
        firsts, waiting = [], False
        pairs = zip(self.wires["result_valid"], self.wires["result_ready"], strict=True)
        for cycle, (valid, ready) in enumerate(pairs):
            if valid and not waiting:
                firsts.append(cycle)
            waiting = bool(valid and not ready)
        return firsts


def _widths(config: HeadConfig) -> dict[str, int]:
    """Wires of the test bench in the diagram, with their numbers of bits."""
    banks, outputs = config.timing.banks, config.tiles * config.head_dim
    single = ("token_valid", "token_ready", "result_valid", "result_ready")
    writes = ("k_enable", "k_broadcast", "v_enable", "v_broadcast")
    converters = ("k_reset", "k_integrate", "v_reset", "v_integrate", "v_convert")
    return {
        **dict.fromkeys((*single, *writes), 1),
        **dict.fromkeys(converters, banks),
        "query": config.head_dim,
        "pulse": outputs,
        "sign": outputs,
    }


def _spans(values: Sequence[int]) -> list[Span]:
    """Runs of cycles with one value above 0, also a run at the end of the recording."""
    spans, start = [], 0
    for cycle in range(1, len(values) + 1):
        if cycle == len(values) or values[cycle] != values[start]:
            if values[start]:
                spans.append(Span(start, cycle))
            start = cycle
    return spans


def _kinds(enable: Sequence[int], broadcast: Sequence[int]) -> list[int]:
    """For each cycle 0 (idle), 1 (phase of a token) or 2 (broadcast write, if there is such)."""
    pairs = zip_longest(enable, broadcast, fillvalue=0)
    return [0 if not high else 2 if everywhere else 1 for high, everywhere in pairs]

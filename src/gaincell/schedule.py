"""When each phase of a token runs, in clock cycles, and how soon the next token may come."""

from __future__ import annotations

from dataclasses import dataclass

SCHEDULES = ("sequential", "overlapped", "paired")
"""One token at a time; tokens as close as the arrays allow; the same with two integrators."""
WRITE_GAP_CYCLES = 1
"""Cycles in which an array's write enable is low between two writes, at least."""
PIPELINE_CYCLES = 2
"""Registers behind the sampling flops of the readout, low part of the total and high part."""
READOUT_DRAIN_CYCLES = 2
"""From the end of OUT until a next OUT may start: sampling flops, then the high part."""


@dataclass(frozen=True)
class Span:
    """Cycles ``start <= cycle < end`` after a token's launch."""

    start: int
    end: int

    @property
    def cycles(self) -> int:
        return self.end - self.start

    @classmethod
    def ending(cls, end: int, cycles: int) -> Span:
        return cls(end - cycles, end)


@dataclass(frozen=True)
class Resource:
    """Hardware that one token uses at a time, and the span in which a token uses it.

    ``copies`` alternate from token to token: two integrators halve the wait for one.
    """

    name: str
    used: Span
    copies: int = 1

    @property
    def interval_cycles(self) -> int:
        """Least distance of two tokens so that they never use the same copy at once."""
        return -(-self.used.cycles // self.copies)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The phases of one token as spans counted from its launch (launch is cycle 0).

    A token is launched in the cycle in which it is accepted; the first token of a sequence is
    launched ``clear_cycles`` later, behind the broadcast write that clears both arrays. So is any
    token behind the launch of a refresh, at the earliest: a write, and a cycle without.

    Every phase follows its predecessor at once: no charge waits longer than it must.

    late_cycles : of OUT before the first sample
    """

    k_write: Span
    v_write: Span
    k_reset: Span
    v_reset: Span
    qk: Span
    av: Span
    out: Span
    late_cycles: int
    clear_cycles: int
    resources: tuple[Resource, ...]
    interval_cycles: int
    latency_cycles: int
    result_places: int
    banks: int

    @property
    def sampled(self) -> Span:
        """Cycles of OUT in which output pulses are sampled."""
        return Span(self.out.start + self.late_cycles, self.out.end)

    @property
    def arrays_cycles(self) -> int:
        """Cycles after a token's launch from which another write may be launched."""
        return max(self.qk.end - self.k_write.start, self.av.end - self.v_write.start)

    @property
    def refresh_cycles(self) -> int:
        """Most cycles from the end of a visit's patience to the end of the write that follows.

        The column is given up one cycle late if a token entered just before, and another token may
        enter in that cycle. A refresh is written at the offsets of a token, so it waits until the
        arrays could be written for the next token.
        """
        return 1 + self.arrays_cycles + self.v_write.end

    @classmethod
    def plan(
        cls,
        schedule: str,
        *,
        write_cycles: int,
        reset_cycles: int,
        pulse_cycles: int,
        readout_cycles: int,
        sync_stages: int,
        late_cycles: int = 0,
    ) -> Schedule:
        """Fixed offsets of all phases; see docs/understand/contract.md, section 4.

        Parameters
        ----------
        schedule : one of ``SCHEDULES``
        write_cycles, reset_cycles : of a column write, and of an integrator's reset
        pulse_cycles : of a full query pulse, and of the QK and the AV phase
        readout_cycles : in which output pulses are sampled
        sync_stages : sampling flops on every output pulse
        late_cycles : of the OUT phase before the first sample
        """
        settle = max(write_cycles, reset_cycles)
        qk = Span(1 + settle, 1 + settle + pulse_cycles)
        av = Span(qk.end, qk.end + pulse_cycles)
        out = Span(av.end, av.end + late_cycles + readout_cycles)
        k_write, v_write = Span.ending(qk.start, write_cycles), Span.ending(av.start, write_cycles)
        k_reset, v_reset = Span.ending(qk.start, reset_cycles), Span.ending(av.start, reset_cycles)
        banks = 2 if schedule == "paired" else 1
        resources = (
            Resource("token registers", Span(1, av.start)),
            Resource("K array", Span(k_write.start, qk.end)),
            Resource("V array", Span(v_write.start, av.end)),
            Resource("K integrator", Span(k_reset.start, av.end), banks),
            Resource("V integrator", Span(v_reset.start, out.end), banks),
            Resource("readout", Span(out.start, out.end + READOUT_DRAIN_CYCLES)),
        )
        total_valid = out.end + sync_stages + PIPELINE_CYCLES - 1
        # A single result place is the readout's own total; with more, one register always follows.
        if schedule == "sequential":
            latency, interval = total_valid, total_valid + 1
        else:
            latency = total_valid + 1
            interval = max(resource.interval_cycles for resource in resources)
        return cls(
            k_write=k_write,
            v_write=v_write,
            k_reset=k_reset,
            v_reset=v_reset,
            qk=qk,
            av=av,
            out=out,
            late_cycles=late_cycles,
            clear_cycles=write_cycles + WRITE_GAP_CYCLES,
            resources=resources,
            interval_cycles=interval,
            latency_cycles=latency,
            result_places=-(-(latency + 1) // interval),
            banks=banks,
        )

"""Beats to payloads and back: nothing lost, mixed or doubled at any pace."""

import pytest
from amaranth.hdl import unsigned

from gaincell.hdl.core.downsizer import Downsizer
from gaincell.hdl.core.upsizer import Upsizer

SIZES = [(1, 1), (5, 5), (5, 8), (7, 3), (8, 2), (9, 1)]
"""Bits of a payload and of a beat."""
TRANSFERS = 30


def beats_of(value, bits, beat_bits):
    return [value >> at & ((1 << beat_bits) - 1) for at in range(0, bits, beat_bits)]


@pytest.mark.parametrize("busy", [1.0, 0.5])
@pytest.mark.parametrize(("bits", "beat_bits"), SIZES)
def test_collects_every_transfer(bits, beat_bits, busy, simulate, rng):
    few_bits = max(1, bits // 2)
    dut = Upsizer(bits=bits, beat_bits=beat_bits, side=unsigned(2), few_bits=few_bits)
    offered, expected = [], []
    for _ in range(TRANSFERS):
        value, side, few = int(rng.integers(1 << bits)), int(rng.integers(4)), rng.random() < 0.4
        sent = few_bits if few else bits
        beats = beats_of(value, sent, beat_bits)
        # Only the first beat's side and length count.
        offered += [
            (beat, side if place == 0 else side ^ 3, few if place == 0 else not few)
            for place, beat in enumerate(beats)
        ]
        known = min(len(beats) * beat_bits, bits)
        expected.append((value & ((1 << known) - 1) if few else value, side, known))
    cycles = 0

    async def bench(ctx, reset):
        nonlocal cycles
        waiting, taken = list(offered), []
        while len(taken) < TRANSFERS:
            offers, takes = bool(waiting) and rng.random() < busy, rng.random() < busy
            ctx.set(dut.beat.valid, int(offers))
            if offers:
                beat, side, few = waiting[0]
                ctx.set(dut.beat.payload.data, beat)
                ctx.set(dut.beat.payload.side, side)
                ctx.set(dut.few, int(few))
            ctx.set(dut.whole.ready, int(takes))
            if ctx.get(dut.whole.valid) and takes:
                _, _, known = expected[len(taken)]
                data = ctx.get(dut.whole.payload.data) & ((1 << known) - 1)
                taken.append((data, ctx.get(dut.whole.payload.side), known))
            if offers and ctx.get(dut.beat.ready):
                waiting.pop(0)
            cycles += 1
            await ctx.tick()
        assert not waiting
        masked = [(value & ((1 << known) - 1), side, known) for value, side, known in expected]
        assert taken == masked

    simulate(dut, bench)
    if busy == 1.0:
        assert cycles == len(offered) + 1


@pytest.mark.parametrize("busy", [1.0, 0.5])
@pytest.mark.parametrize(("bits", "beat_bits"), SIZES)
def test_sends_every_payload(bits, beat_bits, busy, simulate, rng):
    dut = Downsizer(bits=bits, beat_bits=beat_bits)
    payloads = [int(rng.integers(1 << bits)) for _ in range(TRANSFERS)]
    expected = [
        (beat, place == len(beats) - 1)
        for payload in payloads
        for beats in [beats_of(payload, bits, beat_bits)]
        for place, beat in enumerate(beats)
    ]
    cycles = 0

    async def bench(ctx, reset):
        nonlocal cycles
        waiting, taken, refused = list(payloads), [], None
        while len(taken) < len(expected):
            offers, takes = bool(waiting) and rng.random() < busy, rng.random() < busy
            ctx.set(dut.whole.valid, int(offers))
            if offers:
                ctx.set(dut.whole.payload, waiting[0])
            ctx.set(dut.beat.ready, int(takes))
            beat = None
            if ctx.get(dut.beat.valid):
                beat = ctx.get(dut.beat.payload.data), bool(ctx.get(dut.beat.payload.last))
            assert refused is None or beat == refused
            refused = None if takes else beat
            if beat is not None and takes:
                taken.append(beat)
            if offers and ctx.get(dut.whole.ready):
                waiting.pop(0)
            cycles += 1
            await ctx.tick()
        assert taken == expected

    simulate(dut, bench)
    if busy == 1.0:
        assert cycles == len(expected) + 1


def test_reset_drops_an_unfinished_transfer(simulate):
    dut = Upsizer(bits=4, beat_bits=2, side=unsigned(1))

    async def bench(ctx, reset):
        ctx.set(dut.whole.ready, 1)

        async def send(*beats):
            for beat in beats:
                ctx.set(dut.beat.valid, 1)
                ctx.set(dut.beat.payload.data, beat)
                await ctx.tick()
            ctx.set(dut.beat.valid, 0)

        await send(3)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        await send(1, 2)
        assert ctx.get(dut.whole.valid)
        assert ctx.get(dut.whole.payload.data) == 0b1001

    simulate(dut, bench)

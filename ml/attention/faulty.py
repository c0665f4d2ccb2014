"""Attention on arrays with faults, for training on them: plain torch, block by block.

The ideal op leaves out empty columns. Here they are cleared columns of code 0, on which faults act.
Backward computes each block again from its seed, so that only the tokens are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gaincell.ml.attention.faulty_arrays import (
    Cells,
    Converters,
    FaultyArrays,
    normal_like,
    skewed,
    stored_volts,
)
from gaincell.ml.attention.forward import compute_type
from gaincell.ml.attention.numbers import Numbers, Order
from gaincell.ml.attention.quantisers import quantise, read_out

_LARGEST = 1 << 22
"""Elements of a temporary tensor, about: blocks of queries are as long as that allows."""


@dataclass(frozen=True)
class _Columns:
    """Columns of the arrays: slot, position of the stored token (-1: cleared), and their queries.

    slot, written, begin, end : (C,); the queries of tokens begin..end-1 see a column
    k_volts, v_volts : (B, H_kv, C, D)
    """

    slot: Tensor
    written: Tensor
    begin: Tensor
    end: Tensor
    k_volts: Tensor
    v_volts: Tensor

    def seen_by(self, first: int, last: int) -> _Columns:
        """Columns that some query of the tokens first..last sees."""
        kept = ((self.begin <= last) & (self.end > first)).nonzero()[:, 0]
        return _Columns(
            self.slot[kept],
            self.written[kept],
            self.begin[kept],
            self.end[kept],
            self.k_volts[:, :, kept],
            self.v_volts[:, :, kept],
        )


def faulty_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    numbers: Numbers,
    arrays: FaultyArrays,
    generator: torch.Generator | None = None,
    first_key: int = 0,
) -> Tensor:
    """y (B, H, T, D) of arrays with faults; shapes and units as ``attention``.

    ``generator`` draws all random numbers of writes, reads and conversions; None: the CPU's default
    generator.

    Raises
    ------
    ValueError
        Arrays of another geometry, or keys that do not begin at position 0.
    """
    config = numbers.config
    arrays.check(config, k.shape[1])
    if first_key:
        raise ValueError("offset is above S - T, but faults need the keys from position 0 on")
    generator = generator or torch.default_generator
    dtype = compute_type(q)
    group, before = q.shape[1] // k.shape[1], k.shape[2] - q.shape[2]
    columns = _columns(k.to(dtype), v.to(dtype), numbers, arrays, generator)
    x = q.to(dtype)
    x = quantise(x, config.query_bits) if numbers.quantise else x
    x = torch.unflatten(x, 1, (-1, group)).transpose(2, 3)  # (B, H_kv, T, G, D)

    width = config.head_dim if config_leaks(arrays) else 1
    per_query = x.shape[0] * k.shape[1] * group * config.tiles * config.columns * width
    length = max(1, min(64, _LARGEST // max(1, per_query)))
    seeds = torch.randint(2**62, (q.shape[2] // length + 1,), generator=generator).tolist()
    parts = []
    for block, begin in enumerate(range(0, q.shape[2], length)):
        end = min(begin + length, q.shape[2])
        token = torch.arange(before + begin, before + end, device=q.device)
        y = checkpoint(
            _block,
            x[:, :, begin:end],
            token,
            columns,
            numbers,
            arrays,
            seeds[block],
            use_reentrant=False,
            preserve_rng_state=False,
        )
        parts.append(y)
    if not parts:
        return torch.zeros_like(q)
    whole = torch.cat(parts, dim=2)  # (B, H_kv, T, G, D)
    return whole.transpose(2, 3).flatten(1, 2).to(q.dtype)


def config_leaks(arrays: FaultyArrays) -> bool:
    """True if cells leak at rates of their own, which costs D times the memory of a block."""
    return arrays.k.leak is not None


def _columns(
    k: Tensor, v: Tensor, numbers: Numbers, arrays: FaultyArrays, generator: torch.Generator
) -> _Columns:
    """Every column of a sequence: all slots while cleared, then the columns of the tokens."""
    config, tokens = numbers.config, k.shape[2]
    window, sink = config.window, config.sink
    position = torch.arange(tokens, device=k.device)
    in_sink = position < sink
    slots = torch.arange(config.stored_columns, device=k.device)
    # Until a token is written: the ring's slots of the sink's tokens wait for the second lap.
    until = torch.where(slots < sink, slots + window, slots)
    until = torch.where(slots >= window, slots - window, until)
    never = torch.full_like(position, tokens)
    stored = []
    for x, bits, cells in ((k, config.key_bits, arrays.k), (v, config.value_bits, arrays.v)):
        largest = (1 << bits) - 1
        code = (quantise(x, bits) if numbers.quantise else x) * largest
        cleared = code.new_zeros(*code.shape[:2], config.stored_columns, code.shape[3])
        code = torch.cat([cleared, code], dim=2)
        stored.append(stored_volts(code, largest, cells, arrays, generator))
    return _Columns(
        torch.cat([slots, config.slot_of(position)]),
        torch.cat([torch.full_like(slots, -1), position]),
        torch.cat([torch.zeros_like(slots), position]),
        torch.cat([until, torch.where(in_sink, never, position + window)]),
        *stored,
    )


def _block(
    x: Tensor, token: Tensor, columns: _Columns, numbers: Numbers, arrays: FaultyArrays, seed: int
) -> Tensor:
    """y (B, H_kv, tokens, G, D) of a block of queries x of the same shape."""
    config, faults = numbers.config, arrays.faults
    generator = torch.Generator().manual_seed(seed)
    shape, group = x.shape, x.shape[3]
    x = x.flatten(2, 3)  # (B, H_kv, Q, D)
    columns = columns.seen_by(int(token[0]), int(token[-1]))
    token = token.repeat_interleave(group)
    number = token * group + torch.arange(group, device=x.device).repeat(shape[2])
    bank = number % config.timing.banks
    age = token[:, None] - columns.written  # (Q, C)
    exists = (columns.begin <= token[:, None]) & (token[:, None] < columns.end)
    slot = columns.slot

    drive = skewed(x, arrays.skew, config.pulse_cycles) if faults.query_skew_cycles else x
    score = _scores(drive, columns.k_volts, _at(arrays.k, slot), age, numbers)
    if faults.read_noise:
        driven = drive.detach().sum(3, keepdim=True).clamp(min=0)
        score = score + faults.read_noise * driven.sqrt() * normal_like(score, generator)
    stage = arrays.phi_stage
    of_slots = Converters(
        stage.offset[..., slot].to(x), stage.slope[..., slot].to(x), stage.full_cycles, faults
    )
    phi = of_slots.pulse(score / config.s_sat, bank, generator) * exists

    tile_of = slot // config.columns
    charges, pulses = [], []
    for tile in range(config.tiles):
        kept = (tile_of == tile).nonzero()[:, 0]
        volts = columns.v_volts[:, :, kept]
        charges.append(
            _charges(phi[..., kept], volts, _at(arrays.v, slot[kept]), age[:, kept], numbers)
        )
        pulses.append(phi.detach()[..., kept].sum(3))
    charge = torch.stack(charges, dim=3)  # (B, H_kv, Q, tiles, D)
    if faults.read_noise:
        noise = normal_like(charge, generator) * torch.stack(pulses, dim=3).sqrt()[..., None]
        charge = charge + faults.read_noise * noise
    out = arrays.out_stage
    out = Converters(out.offset.to(x), out.slope.to(x), out.full_cycles, faults)
    # A charge of exactly 0 counts up, if an offset makes a pulse of it.
    sign = torch.where(charge.detach() < 0, -1.0, 1.0).to(charge)
    steps = sign * out.pulse(sign * charge / config.a_sat, bank, generator) * config.readout_max
    codes = read_out(steps, config.readout_max) if numbers.quantise else steps
    return torch.unflatten(codes.sum(3), 2, (shape[2], group))


def _scores(drive: Tensor, volts: Tensor, cells: Cells, age: Tensor, numbers: Numbers) -> Tensor:
    """Charge of each column (B, H_kv, Q, C) for the query pulses ``drive`` (B, H_kv, Q, D)."""
    centred = volts - numbers.config.center_v
    if cells.leak is not None:
        score = (_one_by_one(centred, cells, age, numbers) * drive[:, :, :, None]).sum(4)
    else:
        score = drive @ _constant(cells, numbers, volts).transpose(1, 2)
        for order in numbers.terms:
            power = cells.gain.to(volts) * centred**order.power
            score = score + _aged(order, age, volts) * (drive @ power.transpose(2, 3))
    if not numbers.slope:
        return score
    linear = _aged(numbers.slope, age, volts) * (drive @ centred.transpose(2, 3))
    return linear + (score - linear).detach()


def _charges(phi: Tensor, volts: Tensor, cells: Cells, age: Tensor, numbers: Numbers) -> Tensor:
    """Charge of one sub-tile (B, H_kv, Q, D) for the pulses phi (B, H_kv, Q, C) on its columns."""
    centred = volts - numbers.config.center_v
    if cells.leak is not None:
        charge = (_one_by_one(centred, cells, age, numbers) * phi[..., None]).sum(3)
    else:
        charge = phi @ _constant(cells, numbers, volts)
        for order in numbers.terms:
            power = cells.gain.to(volts) * centred**order.power
            charge = charge + (phi * _aged(order, age, volts)) @ power
    if not numbers.slope:
        return charge
    linear = (phi * _aged(numbers.slope, age, volts)) @ centred
    return linear + (charge - linear).detach()


def _one_by_one(centred: Tensor, cells: Cells, age: Tensor, numbers: Numbers) -> Tensor:
    """Charge of a full pulse on every cell at every query, (B, H_kv, Q, C, D)."""
    assert cells.leak is not None
    rate = numbers.terms[0].rate
    remaining = torch.exp(-rate * age.double()[:, :, None] / cells.leak[:, None]).to(centred)
    centred = centred[:, :, None] * remaining
    variable = sum(order.coefficient * centred**order.power for order in numbers.terms)
    gain = cells.gain.to(centred)[:, None]
    return gain * variable + _constant(cells, numbers, centred)[:, None]


def _constant(cells: Cells, numbers: Numbers, like: Tensor) -> Tensor:
    """Charge (H_kv, C, D) that a full pulse reads whatever is stored."""
    constant = numbers.constant.coefficient if numbers.constant else 0.0
    return (constant * cells.gain + cells.offset).to(like)


def _aged(order: Order, age: Tensor, like: Tensor) -> Tensor:
    """a * gamma^(i * age), (Q, C); 0 for columns not written yet."""
    return order.coefficient * torch.exp(-order.rate * age.clamp(min=0).double()).to(like)


def _at(cells: Cells, slot: Tensor) -> Cells:
    """The static faults of the cells at some slots; faults of word lines stay."""
    gain, offset = (each[:, slot] for each in (cells.gain, cells.offset))
    return Cells(cells.bow, gain, offset, None if cells.leak is None else cells.leak[:, slot])

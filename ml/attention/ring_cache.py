"""Decoding with a cache: ``RingCache`` stores the codes of the arrays, slot by slot."""

from __future__ import annotations

import torch
from torch import Tensor

from gaincell.config import HeadConfig
from gaincell.ml.attention.all_heads import attend_part_of, attend_sink
from gaincell.ml.attention.checks import check_dims, check_tensors, starts_of
from gaincell.ml.attention.exact import exact_products
from gaincell.ml.attention.forward import compute_type
from gaincell.ml.attention.fused.choice import uses_kernels
from gaincell.ml.attention.numbers import Numbers, polynomial
from gaincell.ml.attention.parts import ring_part
from gaincell.ml.attention.quantisers import codes_of, quantised, rounded_codes


class RingCache:
    """Key and value codes of one layer, as its arrays store them; inference only.

    ``attend`` takes new tokens and returns their outputs. In float64 they equal ``attention`` over
    the whole sequence, code for code. A single token costs O(M) time, whatever its position. On a
    GPU it costs no wait for the device, and a CUDA graph can hold it: all tensors change in place.
    ``implementation`` is that of ``attention``.

    Attributes
    ----------
    k, v : (B, H_kv, M + P, D), codes by slot, a sink token p at slot M + p. On a GPU and for the
        kernels they are uint8. On a CPU they are int32, and a code stands as its place in a table
        of all codes of all slots, slot * levels + code
    held : (B, M + P) int64, position of each slot's token; -1: the slot is empty
    length : (B,) int64, number of tokens that each row has taken so far

    Raises
    ------
    ValueError
        ``age_mode`` other than "steps"; fewer than one row or head.
    """

    def __init__(
        self,
        config: HeadConfig,
        batch: int,
        kv_heads: int,
        *,
        kind: str = "hardware",
        device: torch.device | str = "cpu",
        implementation: str | None = None,
    ) -> None:
        if batch < 1 or kv_heads < 1:
            raise ValueError(
                f"batch is {batch} and kv_heads {kv_heads}, but both must be 1 or more"
            )
        self._numbers = Numbers.of(config, kind=kind, implementation=implementation)
        self.config = self._numbers.config
        shape = (batch, kv_heads, config.stored_columns, config.head_dim)
        small = torch.device(device).type != "cpu" or implementation == "triton"
        kind_of_codes = torch.uint8 if small else torch.int32
        self.k, self.v = (torch.zeros(shape, dtype=kind_of_codes, device=device) for _ in "kv")
        self.held = torch.full((batch, config.stored_columns), -1, device=device)
        self.length = torch.zeros(batch, dtype=torch.int64, device=device)

    def reset(self) -> None:
        """Forget everything: the next token of each row is its position 0."""
        self.held.fill_(-1)
        self.length.zero_()

    def reorder(self, rows: Tensor) -> None:
        """Let row b continue from the past of row ``rows[b]``, as a beam search does.

        Raises
        ------
        TypeError, ValueError
            ``rows`` is no one-dimensional tensor of integers, or names a row that is not there.
        """
        if not isinstance(rows, Tensor) or rows.dtype not in (torch.int64, torch.int32):
            raise TypeError("rows must be a tensor of integers")
        if rows.dim() != 1 or not rows.numel():
            raise ValueError(f"rows has shape {tuple(rows.shape)}, but must be (batch,)")
        if rows.amin() < 0 or rows.amax() >= len(self.length):
            raise ValueError(f"rows must be 0..{len(self.length) - 1}, but holds {rows.tolist()}")
        for name in ("k", "v", "held", "length"):
            setattr(self, name, getattr(self, name)[rows])

    @torch.no_grad()
    def attend(self, q: Tensor, k: Tensor, v: Tensor, start: Tensor | None = None) -> Tensor:
        """y (B, H, T, D) of T new tokens, which the cache then stores.

        Parameters
        ----------
        q : (B, H, T, D); k, v : (B, H_kv, T, D)
            Codes over the largest code, as ``attention`` takes them.
        start : (B,) integers, optional
            First real token of each row among these T; those before it are padding and are not
            stored.

        Raises
        ------
        TypeError, ValueError
            As ``attention``; another batch or number of heads than the cache's.
        """
        check_tensors(q, k, v)
        check_dims(q, self.config)
        expected = (*self.k.shape[:2], q.shape[2])
        if k.shape[:3] != expected:
            raise ValueError(
                f"k has (batch, heads, tokens) {tuple(k.shape[:3])}, but the cache and q want "
                f"{expected}"
            )
        starts = starts_of(start, len(k), k.shape[2])
        with exact_products(q.device.type):
            if q.shape[2] == 1 and starts is None:
                if uses_kernels(q, self._numbers):
                    from gaincell.ml.attention.fused import decode

                    held = self.k, self.v, self.held, self.length
                    return decode.step(q, k, v, *held, self._numbers).to(q.dtype)
                self._store(k, v)
                return self._answer(q)
            return self._prefill(q, k, v, starts or [0] * len(q))

    def _store(self, k: Tensor, v: Tensor) -> None:
        """Write one token of every row into its slot."""
        position = self.length
        slot = self.config.slot_of(position)
        row = torch.arange(len(slot), device=slot.device)
        for kept, x, largest in self._arrays(k, v):
            code = codes_of(x[:, :, 0].to(compute_type(x)), largest)
            kept[row, :, slot] = _kept(code, slot[:, None, None], largest, kept.dtype)
        self.held[row, slot] = position
        self.length += 1

    def _answer(self, q: Tensor) -> Tensor:
        """y (B, H, 1, D) of the newest token's queries."""
        config, columns = self.config, self.config.columns
        x = quantised(q.to(compute_type(q)), config.query_max)
        x = torch.unflatten(x[:, :, 0], 1, (self.k.shape[1], -1))  # (B, H_kv, G, D)
        full = config.ring_tiles
        if q.device.type == "cpu":  # Elsewhere the length is not known without a wait.
            full = min(full, -(-int(self.length.max()) // columns))
        y = self._read(x, slice(0, full * columns), columns)
        if config.sink:
            y += self._read(x, slice(config.window, config.stored_columns), config.sink)
        return y.flatten(1, 2)[:, :, None].to(q.dtype)

    def _read(self, x: Tensor, slots: slice, columns: int) -> Tensor:
        """y codes (B, H_kv, G, D) of the queries x from slots, in sub-tiles of ``columns``."""
        config, numbers = self.config, self._numbers
        held = self.held[:, slots]
        age = (self.length - 1)[:, None] - held
        remaining = torch.exp(-age.double() * numbers.terms[0].rate).to(x)
        exists = (held >= 0).to(x)[:, None, None]
        keys = self._charge(self.k[:, :, slots], slots.start, config.key_max, remaining)
        phi = (x @ keys.transpose(2, 3) / config.s_sat).clamp_(0, 1) * exists
        values = self._charge(self.v[:, :, slots], slots.start, config.value_max, remaining)
        pulses = torch.unflatten(phi, 3, (-1, columns)).transpose(2, 3)  # (B, H_kv, L, G, N)
        charge = pulses @ torch.unflatten(values, 2, (-1, columns))  # (B, H_kv, L, G, D)
        steps = charge * (numbers.read_scale / config.a_sat)
        return rounded_codes(steps, numbers.read_scale).sum(2)

    def _charge(self, places: Tensor, first: int, largest: int, remaining: Tensor) -> Tensor:
        """Charge of a full pulse on the cells of slots from ``first`` on, (B, H_kv, slots, D).

        Cells of one slot have one age, and few codes: the polynomial is evaluated for those only.
        """
        if places.dtype == torch.uint8:
            slot = torch.arange(places.shape[2], device=places.device)[:, None]
            places, first = _kept(places, slot, largest, torch.int32), 0
        codes = torch.arange(largest + 1, device=places.device).to(remaining)
        centred = codes.mul_(self.config.full_scale_v / largest).sub_(self.config.center_v)
        table = polynomial(centred * remaining[:, :, None], self.config.cell_coefficients)
        charge = table.new_empty(places.shape)
        for of_row, place, found in zip(table, places, charge, strict=True):
            at = place.flatten()
            if first:  # An empty slot holds 0, which is before all of these.
                at = (at - first * (largest + 1)).clamp_min_(0)
            torch.index_select(of_row.flatten(), 0, at, out=found.view(-1))
        return charge

    def _prefill(self, q: Tensor, k: Tensor, v: Tensor, starts: list[int]) -> Tensor:
        """Several tokens: rows of the same length and padding at a time, through the op."""
        y = torch.zeros_like(q)
        cases = list(zip(starts, self.length.tolist(), strict=True))
        for start, length in sorted(set(cases)):
            rows = [row for row, case in enumerate(cases) if case == (start, length)]
            y[rows, :, start:] = self._continue(
                torch.tensor(rows),
                q[rows, :, start:],
                k[rows, :, start:],
                v[rows, :, start:],
                length,
            )
        return y

    def _continue(self, rows: Tensor, q: Tensor, k: Tensor, v: Tensor, length: int) -> Tensor:
        """y of the rows' new tokens, positions ``length`` and on; stores them."""
        config = self.config
        tokens = q.shape[2]
        if not tokens:
            return q
        rows = rows.to(self.held.device)
        first = max(0, length - config.window)
        old = config.slot_of(torch.arange(first, length, device=q.device))
        sunk = config.slot_of(torch.arange(min(config.sink, length), device=q.device))
        near: list[Tensor] = []
        sink: list[Tensor] = []
        for kept, x, largest in self._arrays(k, v):
            fresh = codes_of(x.to(compute_type(x)), largest)
            own = kept[rows]
            for parts, slots in ((near, old), (sink, sunk)):
                past = own[:, :, slots]
                past = (past if past.dtype == torch.uint8 else past % (largest + 1)).to(fresh)
                parts.append(torch.cat([past, fresh], dim=2).div_(largest))
            newest = torch.arange(length, length + tokens, device=q.device)
            in_sink = newest < config.sink
            stays = in_sink | (newest >= length + tokens - config.window)
            slot = config.slot_of(newest[stays])
            code = fresh[:, :, stays].transpose(1, 2)
            kept[rows[:, None], :, slot] = _kept(code, slot[:, None, None], largest, kept.dtype)
            self.held[rows[:, None], slot] = newest[stays]
        x = q.to(compute_type(q))
        part = ring_part(config, first)
        y = attend_part_of(x, near[0], near[1], self._numbers, part, length, first)
        if config.sink:
            y = y + attend_sink(x, sink[0], sink[1], self._numbers, length)
        self.length[rows] = length + tokens
        return y.to(q.dtype)

    def _arrays(self, k: Tensor, v: Tensor) -> list[tuple[Tensor, Tensor, int]]:
        return [
            (self.k, k, self.config.key_max),
            (self.v, v, self.config.value_max),
        ]


def _kept(code: Tensor, slot: Tensor, largest: int, kind: torch.dtype) -> Tensor:
    """Codes as uint8, or as int32: where they stand in a table of all codes of all slots."""
    if kind == torch.uint8:
        return code.to(kind)
    return code.to(kind) + slot.to(kind) * (largest + 1)

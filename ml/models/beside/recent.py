"""Recent tokens beside the arrays: softmax over few tokens, in digital arithmetic.

A sequence's newest tokens and its first one have most of softmax's weight, and the sharpest of it.
A buffer keeps their keys and values as the model gives them. A token enters the arrays when it
leaves the buffer, ``recent`` tokens after it came; the first one stays. One weight more in
softmax's denominator stands for all tokens in the arrays.

The arrays measure it. One dimension of each head's values gives way to ones, so that its read-out
is the sum of all pulses. The other read-outs over this sum are a mean of values, which errors of
the pulses common to all tokens do not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import pad

BLOCK = 64
"""Queries whose keys are taken together."""
LEAST_SUM = 1.0
"""Read-out codes added to the sum of all pulses: it may be 0."""


@dataclass(frozen=True)
class Recent:
    """What T queries find in the buffer.

    k, v : (B, H_kv, recent + S, D), keys and values of S tokens, the queries' own the last of them;
        those before a sequence's first token are ignored
    first_k, first_v : (B, H_kv, D), of each sequence's first token; ignored while it is recent
    begin : (B,), where each sequence begins, counted from the first of all tokens
    position : (B, T), of the queries in their sequences; below 0 for padding
    recent : tokens in the buffer, a query's own with them; 1 or more
    """

    k: Tensor
    v: Tensor
    first_k: Tensor
    first_v: Tensor
    begin: Tensor
    position: Tensor
    recent: int

    @classmethod
    def of_text(
        cls,
        k: Tensor,
        v: Tensor,
        recent: int,
        starts: Tensor | None = None,
        tokens: int | None = None,
    ) -> Recent:
        """Of the last ``tokens`` queries, from keys and values (B, H_kv, S, D) of a whole text.

        ``starts`` (B,) are the rows' first real tokens; None: 0.
        """
        count, device = k.shape[2], k.device
        begin = (
            torch.zeros(k.shape[0], dtype=torch.int64, device=device) if starts is None else starts
        )
        place = torch.arange(0 if tokens is None else count - tokens, count, device=device)
        row, column = torch.arange(k.shape[0], device=device), begin.clamp(max=count - 1)
        return cls(
            pad(k, (0, 0, recent, 0)),
            pad(v, (0, 0, recent, 0)),
            k[row, :, column],
            v[row, :, column],
            begin,
            place - begin[:, None],
            recent,
        )

    def to_arrays(self) -> tuple[Tensor, Tensor, Tensor]:
        """Keys and values (B, H_kv, S, D) as they enter the arrays, and where each row begins (B,).

        With each query enters the token that it finds recent no more.
        """
        k, v = (x[:, :, : x.shape[2] - self.recent] for x in (self.k, self.v))
        return k, v, self.begin + self.recent + 1

    def newest(self, recent: int) -> Recent:
        """The same with fewer tokens in the buffer."""
        k, v = (x[:, :, self.recent - recent :] for x in (self.k, self.v))
        return replace(self, k=k, v=v, recent=recent)

    def of_heads(self, arrays: Sequence[int]) -> Recent:
        """The same for one query head each of the given key and value heads."""
        tensors = {name: getattr(self, name) for name in ("k", "v", "first_k", "first_v")}
        return replace(self, **{name: x[:, list(arrays)] for name, x in tensors.items()})

    @property
    def stored(self) -> Tensor:
        """How many tokens the arrays hold for each query, (B, T), if they hold all others."""
        return (self.position - self.recent).clamp(min=0)

    def softmax(
        self, q: Tensor, rest: Tensor, scale: float, reach: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """What recent tokens give to attention's output, (B, H, T, D), and the rest's weight.

        The weight (B, H, T) is that of all tokens in the arrays together; 0 if there are none.

        Parameters
        ----------
        q : (B, H, T, D)
        rest : (B, H, T), log of the sum of exp(logit) over the tokens in the arrays
        scale : of q k^T before softmax
        reach : tokens that the model itself sees, if it has a sliding window
        """
        logits, values = self._logits(q, scale, reach)
        others = rest.to(logits).masked_fill((self.stored == 0)[:, None], -torch.inf)[..., None]
        weights = torch.cat([logits, others], 3).softmax(3).to(q.dtype)
        batch, heads, tokens, dims = q.shape
        kv_heads, blocks = self.k.shape[1], values.shape[2]
        near = weights[..., : values.shape[4]]
        near = pad(near, (0, 0, 0, -tokens % self._block(tokens)))
        near = near.reshape(batch, kv_heads, heads // kv_heads, blocks, -1, values.shape[4])
        seen = near @ values[:, :, None].transpose(4, 5)  # (B, H_kv, G, blocks, queries, D)
        seen = seen.reshape(batch, heads, -1, dims)[:, :, :tokens]
        first = self.first_v.repeat_interleave(heads // kv_heads, 1)[:, :, None]
        return seen + weights[..., -2, None] * first.to(weights), weights[..., -1]

    def softmax_alone(self, q: Tensor, scale: float, reach: int | None = None) -> Tensor:
        """Attention (B, H, T, D) to the recent tokens and the first one, if the arrays hold none.

        Arguments as of ``softmax``.
        """
        none = torch.full_like(q[..., 0], -torch.inf)
        return self.softmax(q, none, scale, reach)[0]

    def _logits(self, q: Tensor, scale: float, reach: int | None) -> tuple[Tensor, Tensor]:
        """Logits (B, H, T, L + 1), the first token last, and values (B, H_kv, blocks, D, L).

        L are the tokens that a block of queries sees; a logit of -inf is of a token it does not.
        """
        batch, heads, tokens, dims = q.shape
        kv_heads = self.k.shape[1]
        block = self._block(tokens)
        missing = -tokens % block
        width = self.recent - 1 + block
        seen = self.k.shape[2] - (self.recent - 1 + tokens)
        keys, values = (
            x[:, :, None, seen:].transpose(3, 4)
            if block == tokens
            else pad(x[:, :, seen:], (0, 0, 0, missing)).unfold(2, width, block)
            for x in (self.k, self.v)
        )
        grouped = pad(q, (0, 0, 0, missing)).reshape(
            batch, kv_heads, heads // kv_heads, -1, block, dims
        )
        logits = (grouped @ keys[:, :, None]).reshape(batch, heads, -1, width)[:, :, :tokens]
        place = torch.arange(tokens, device=q.device) % block
        behind = torch.arange(width, device=q.device) - place[:, None]  # 0: the oldest recent one
        own = self.position.clamp(min=0)  # padding sees itself
        age = self.recent - 1 - behind
        hidden = (behind < 0) | (age < 0) | (age > own[..., None])
        logits = (logits.float() * scale).masked_fill(hidden[:, None], -torch.inf)
        first = self.first_k.repeat_interleave(heads // kv_heads, 1)
        to_first = (q * first[:, :, None]).sum(3).float() * scale
        absent = own < self.recent
        if reach is not None:
            absent = absent | (own >= reach)
        to_first = to_first.masked_fill(absent[:, None], -torch.inf)
        return torch.cat([logits, to_first[..., None]], 3), values

    @staticmethod
    def _block(tokens: int) -> int:
        return tokens if torch.compiler.is_compiling() else min(BLOCK, tokens)


def sum_of_pulses(y: Tensor, ones: Tensor) -> Tensor:
    """(B, H, T), above 0, of read-out codes y (B, H, T, D); ``ones`` (H,) are the dimensions."""
    place = ones.view(1, -1, 1, 1).expand(y.shape[0], -1, y.shape[2], 1)
    return y.gather(3, place)[..., 0].clamp(min=0) + LEAST_SUM

"""``CoreConfig``: heads in lock step under one control, and the widths of their streams."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

from gaincell.config import MOST_SIZE, MOST_WIRES, HeadConfig
from gaincell.tables import Table, checked, whole

MOST_BEAT_BITS = 1 << 16
"""Widest beat: far beyond any bus."""


@dataclass(frozen=True, kw_only=True)
class CoreConfig(Table):
    """H heads of one shape, which take a token together and answer together.

    Head h belongs to group h // ``heads_per_group``. The heads of a group share keys and values,
    so they share arrays: their queries follow each other against the same columns. A core of one
    head whose streams have no beats is the head of ``head``.

    Raises
    ------
    TypeError, ValueError
        As ``HeadConfig``.
    """

    head: HeadConfig = checked(  # noqa: RUF009
        HeadConfig(),
        lambda head: None if isinstance(head, HeadConfig) else (True, "a HeadConfig"),
    )
    """Every head."""
    heads: int = whole(1, low=1, most=MOST_SIZE)
    """H, query heads; a multiple of ``heads_per_group``."""
    heads_per_group: int = whole(1, low=1, most=MOST_SIZE)
    """Query heads that share keys and values; 1: each head has its own."""
    token_beat_bits: int | None = whole(None, low=1, high=MOST_BEAT_BITS, none=True)
    """Bits of codes in one beat of the token stream; None: one beat holds all."""
    result_beat_bits: int | None = whole(None, low=1, high=MOST_BEAT_BITS, none=True)
    """Bits of outputs in one beat of the result stream, likewise."""
    refresh_beat_bits: int | None = whole(None, low=1, high=MOST_BEAT_BITS, none=True)
    """Bits of codes in one beat of the stream of refresh responses, likewise."""

    def problems_together(self) -> list[str]:
        """Sentences on fields that do not fit together."""
        if self.heads % self.heads_per_group:
            return [
                f"heads is {self.heads}, but must be a multiple of heads_per_group "
                f"({self.heads_per_group})"
            ]
        dims = self.groups * self.head.head_dim
        most = min(MOST_SIZE, MOST_WIRES // self.head.tiles)
        if dims > most:
            return [
                f"{self.groups} groups of {self.head.head_dim} dimensions are {dims}, but at most "
                f"{most} dimensions in lock step are possible; lower heads"
            ]
        return []

    @property
    def groups(self) -> int:
        """Groups of heads that share keys and values: sets of arrays."""
        return self.heads // self.heads_per_group

    @property
    def heads_and_groups(self) -> tuple[int, int]:
        """H, and groups of them: what random tokens need to know."""
        return self.heads, self.groups

    @cached_property
    def lock_step(self) -> HeadConfig:
        """One head with the dimensions of all groups, group 0 first.

        Its digital control is that of the core: only the arrays mix dimensions, those of one group.
        """
        if self.groups == 1:
            return self.head
        return replace(
            self.head,
            head_dim=self.groups * self.head.head_dim,
            score_saturation=self.head.s_sat,
            output_saturation=self.head.a_sat,
        )

    @property
    def in_beats(self) -> bool:
        """Some stream has beats."""
        widths = (self.token_beat_bits, self.result_beat_bits, self.refresh_beat_bits)
        return any(width is not None for width in widths)

    @property
    def query_bits(self) -> int:
        """Bits of one query of every group, the lowest of a token's codes."""
        return self.lock_step.head_dim * self.head.query_bits

    @property
    def stored_bits(self) -> int:
        """Bits of the key and value of every group."""
        return self.lock_step.head_dim * (self.head.key_bits + self.head.value_bits)

    @property
    def token_bits(self) -> int:
        """Bits of a token's codes: queries, keys and values."""
        return self.query_bits + self.stored_bits

    @property
    def result_bits(self) -> int:
        """Bits of the outputs of one query of every group."""
        return self.lock_step.head_dim * self.head.result_width

    @property
    def beats_of_a_query(self) -> int:
        """Beats of a token and of a result, 0 of streams without beats."""
        streams = (
            (self.token_bits, self.token_beat_bits),
            (self.result_bits, self.result_beat_bits),
        )
        return sum(0 if beat is None else beats_of(bits, beat) for bits, beat in streams)

    def fields_set(self) -> dict[str, object]:
        """Fields of the core that differ from their default, in declaration order; not ``head``."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "head" and getattr(self, field.name) != field.default
        }


def beats_of(bits: int, beat_bits: int | None) -> int:
    """Beats that carry ``bits``; the last one may be filled up."""
    return 1 if beat_bits is None else -(-bits // beat_bits)


def core_of(config: HeadConfig | CoreConfig) -> CoreConfig:
    """``config``, or the core of that one head."""
    return config if isinstance(config, CoreConfig) else CoreConfig(head=config)

"""Options of the closed-form start: the projections it fits again, and the effort it makes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from gaincell.config import HeadConfig

REFITS = ("attention", "down", "lm_head")
"""Projections fitted again: attention's output one; also the MLP's last one; also lm_head."""

ARRAYS_PER_RECENT, LEAST_RECENT = 32, 4
"""By default, tokens in the arrays for each one beside them, and tokens beside them at least."""

HEADS_PER_DIGITAL = 45
"""By default, heads on the arrays for each digital one."""

PASSES = 5
"""Of the alignment through the windows that are fitted, by default."""


@dataclass(frozen=True, kw_only=True)
class StartOptions:
    """Options of ``closed_form``.

    Raises
    ------
    ValueError
        A value out of its range; all problems are reported at once.
    """

    refit: str = "down"
    """Projections fitted again: "attention" (its output projection only), "down" (also each MLP's
    last one), "lm_head" (also the last of all, untied from the embedding)."""
    recent: int | None = None
    """Newest tokens that attend beside the arrays, in digital arithmetic, and with them the first
    one; 0: the arrays alone; None: a 32nd of the tokens that the arrays hold, 4 at least."""
    digital_heads: int | tuple[tuple[int, int], ...] | None = None
    """Heads that leave the arrays for a softmax in digital arithmetic: so many of those that lose
    most on them, or each (layer, head). None: one of 45, beside recent tokens."""
    shared_keys: bool = False
    """Query heads that share keys and values in the model share their maps and arrays, too."""
    rounds: int = 12
    """Rounds of the score fit; 0 leaves the spectral maps."""
    round_windows: int = 3
    """Windows of text that a round sees, drawn anew for each."""
    round_step: float = 1.0
    """Step of a round; halved for the last third of them."""
    full_pulse: float | None = None
    """Softmax weight that a full phi pulse stands for; None: 1 with recent tokens, else 0.4."""
    value_sigmas: float = 1.5
    """Value codes cover mean +- so many standard deviations of a head's values."""
    held_out: float = 1 / 6
    """Part of the windows on which the ridge penalties are chosen, 0..0.5."""
    align_tokens: int | None = None
    """Tokens on which each layer's maps are aligned with its own softmax; 0: no gradient step;
    None: five passes of the windows that are fitted."""
    align_batch: int = 1024
    """Tokens of each step of the alignment, in whole windows."""
    align_rate: float = 0.01
    """First learning rate of the alignment, as a part of each tensor's root mean square."""
    farthest: int | None = None
    """Windows begin at positions drawn from 0 to this one, as far as the model's positions reach;
    None: as many as the arrays hold tokens. Texts that reach further are worse; a larger number
    makes the near positions worse. Learned positions are an exception: every window begins at 0."""
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.refit not in REFITS:
            problems.append(f"refit is {self.refit!r}, but must be one of {', '.join(REFITS)}")
        for name in ("recent", "rounds", "align_tokens", "farthest", "seed"):
            if (getattr(self, name) or 0) < 0:
                problems.append(f"{name} is {getattr(self, name)}, but must be 0 or more")
        for name in ("round_windows", "align_batch"):
            if getattr(self, name) < 1:
                problems.append(f"{name} is {getattr(self, name)}, but must be 1 or more")
        for name in ("round_step", "full_pulse", "value_sigmas", "align_rate"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                problems.append(f"{name} is {getattr(self, name)}, but must be above 0")
        if not 0 < self.held_out <= 0.5:
            problems.append(f"held_out is {self.held_out}, but must be above 0, at most 0.5")
        if isinstance(self.digital_heads, int) and self.digital_heads < 0:
            problems.append(f"digital_heads is {self.digital_heads}, but must be 0 or more")
        if self.digital_heads and self.recent == 0:
            problems.append("digital_heads attend to recent tokens and more, but recent is 0")
        if problems:
            raise ValueError("; ".join(problems))

    def settled(self, head: HeadConfig) -> StartOptions:
        """With the defaults that depend on the head, or on other options, as numbers."""
        recent = (
            max(LEAST_RECENT, head.window // ARRAYS_PER_RECENT)
            if self.recent is None
            else self.recent
        )
        pulse = (1.0 if recent else 0.4) if self.full_pulse is None else self.full_pulse
        farthest = head.window if self.farthest is None else self.farthest
        return replace(self, recent=recent, full_pulse=pulse, farthest=farthest)

    def aligned(self, fitted: int) -> int:
        """Tokens of the alignment of windows that hold ``fitted`` tokens."""
        return PASSES * fitted if self.align_tokens is None else self.align_tokens

    def digital(self, heads: int) -> int | tuple[tuple[int, int], ...]:
        """How many of so many heads are digital, or which; of settled options."""
        if self.digital_heads is None:
            return heads // HEADS_PER_DIGITAL if self.newest else 0
        return self.digital_heads

    @property
    def newest(self) -> int:
        """``recent`` of settled options."""
        return int(self._settled("recent"))

    @property
    def far(self) -> int:
        """``farthest`` of settled options."""
        return int(self._settled("farthest"))

    @property
    def pulse(self) -> float:
        """``full_pulse`` of settled options."""
        return self._settled("full_pulse")

    def _settled(self, name: str) -> float:
        value: float | None = getattr(self, name)
        if value is None:
            raise ValueError(f"{name} depends on the head: settle the options first")
        return value

    def as_table(self) -> dict[str, Any]:
        return asdict(self)

"""Digital work beside a head's arrays: recent tokens in softmax, and maps before the arrays.

What is counted is what a model needs that ``gaincell convert --init closed-form`` made. Nothing of
it is synthesized: ``gaincell.synth.estimate.operations`` says what one operation costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from gaincell.config import HeadConfig
from gaincell.synth.estimate.operations import (
    BIT_UM2,
    DIVISION,
    EXPONENTIAL,
    MAC_J,
    MAC_UM2,
    WIDE_J,
    WIDE_UM2,
    bit_j,
)
from gaincell.synth.estimate.scaling import Band
from gaincell.tables import Table, flag, string, whole

BITS = 8
"""Of a number beside the arrays."""
MOST_RECENT = 1 << 16

BUFFER, PARAMETERS = "buffer of recent tokens", "parameters beside"
MACS, WIDE = "multiply-accumulates", "exponentials and division"


@dataclass(frozen=True, kw_only=True)
class Beside(Table):
    """What stands beside the arrays.

    Raises
    ------
    TypeError, ValueError
        A field of a wrong type or out of its range. All problems are reported in one message.
    """

    recent: int = whole(0, low=0, high=MOST_RECENT)
    """R, newest tokens in softmax beside the arrays, the query's own among them. A text's first
    token stands there, too. 0: no token does."""
    maps: bool = flag(False)
    """Each query head maps q, k and v by D x D matrices, and scales its output."""
    sharing: int = whole(1, low=1, high=MOST_RECENT)
    """Query heads that read one buffer. They take a token at the same time, and so read once."""
    shared: bool = flag(False)
    """The same query heads share maps of k and v, and one array, which they read in turn."""
    digital: int = whole(0, low=0)
    """Heads of a model that have no arrays. Their buffer holds as many tokens as others have in the
    buffer and in the arrays."""
    heads: int = whole(0, low=0)
    """Of that model, in its layers with maps."""
    source: str | None = string(None)
    """Where these settings come from; None: from the user."""

    @property
    def name(self) -> str:
        """Of what is beside the arrays; empty if nothing is."""
        parts = [f"{self.recent} recent tokens"] * bool(self.recent) + [self._maps] * self.maps
        return " and ".join(parts)

    @property
    def _maps(self) -> str:
        return f"maps shared by {self.on_array}" if self.on_array > 1 else "maps"

    @property
    def on_array(self) -> int:
        """Query heads on one array."""
        return self.sharing if self.shared else 1

    def __bool__(self) -> bool:
        return bool(self.recent or self.maps)


@dataclass(frozen=True, kw_only=True)
class BesideCost:
    """Work, area, time and energy beside one head's arrays, one query per token.

    The rest's weight is s = sum * e, with e the exponential of its logit: the arrays give the sum
    of pulses and, over all tokens, sum * mean = y. So the output is (recent tokens' weighted sum +
    e (y * scale + sum * offset)) / (recent tokens' sum + s): one division, no logarithm. Heads that
    read one array in turn count a part each of its maps, and have as many intervals for a token.
    """

    beside: Beside
    config: HeadConfig

    @property
    def products(self) -> int:
        """Multiply-accumulates of 8-bit numbers per token.

        Recent tokens: logits and values of R + 1 tokens, 2 D (R + 1); the rest's logit, y and
        offset under the rest's weight, and the reciprocal, 4 D; sum * e, 1. Maps: D^2, and 2 D^2 of
        the array's, this head's share; scale, D.
        """
        dims = self.config.head_dim
        beside = 2 * dims * (self.beside.recent + 1) + 4 * dims + 1 if self.beside.recent else 0
        return beside + (ceil(self._mapped * dims**2) + dims if self.beside.maps else 0)

    @property
    def exponentials(self) -> int:
        """Per token: recent tokens, the first one and the rest."""
        return self.beside.recent + 2 if self.beside.recent else 0

    @property
    def divisions(self) -> int:
        """Per token."""
        return 1 if self.beside.recent else 0

    @property
    def wide_products(self) -> int:
        """Per token, what exponentials and division count as."""
        return EXPONENTIAL * self.exponentials + DIVISION * self.divisions

    @property
    def buffer_bits(self) -> float:
        """Bits of keys and values that are kept, this head's share."""
        tokens = self.beside.recent + 1 if self.beside.recent else 0
        return 2 * BITS * self.config.head_dim * tokens / self.beside.sharing

    @property
    def buffer_moved_bits(self) -> float:
        """Bits of keys and values that are read and written per token, this head's share.

        All are read for the query; one token more is read as it leaves for the arrays, one written.
        """
        tokens = self.beside.recent + 3 if self.beside.recent else 0
        return 2 * BITS * self.config.head_dim * tokens / self.beside.sharing

    @property
    def parameter_bits(self) -> int:
        """Bits of the model's numbers, which are kept here, and all read for each token.

        Maps and their offsets, D (D + 1) and this head's share of 2 D (D + 1); scale and offset of
        the output, 2 D. For recent tokens gain and offset of the rest's logit, D + 1.
        """
        dims = self.config.head_dim
        numbers = dims + 1 if self.beside.recent else 0
        maps = ceil(self._mapped * dims * (dims + 1)) + 2 * dims if self.beside.maps else 0
        return BITS * (numbers + maps)

    @property
    def _mapped(self) -> float:
        """Maps of q, k and v per token, this head's share."""
        return 1 + 2 / self.beside.on_array

    @property
    def cycles(self) -> int:
        """Between two tokens: an interval for each head on the array."""
        return self.config.interval_cycles * self.beside.on_array

    @property
    def of_digital_head(self) -> BesideCost:
        """The same for a head without arrays, with a buffer of its own."""
        recent = self.beside.recent + self.config.window
        return BesideCost(beside=Beside(recent=recent), config=self.config)

    @property
    def mac_units(self) -> int:
        """Units that do all ``products`` in the time between two tokens, which stays."""
        return ceil(self.products / self.cycles)

    @property
    def wide_units(self) -> int:
        """Units that do all ``wide_products`` in the same time."""
        return ceil(self.wide_products / self.cycles)

    @property
    def latency_cycles(self) -> int:
        """Cycles that a token takes longer: what stands before the arrays or waits for their y.

        The query's map stands before, and without recent tokens those of key and value: else key
        and value leave the buffer, and can be mapped a token earlier. After y come the scale, and
        with recent tokens sum * e, the division, and 3 D products. All else is done while the
        arrays work. A unit's result is there in the next cycle.
        """
        dims, maps = self.config.head_dim, self.beside.maps
        if not self.beside:
            return 0
        mapped = 1 if self.beside.recent else self._mapped
        before = ceil(maps * mapped * dims**2 / self.mac_units)
        after = ceil(dims * (3 * bool(self.beside.recent) + maps) / self.mac_units)
        return before + after + (1 + DIVISION) * self.divisions

    @property
    def area_um2(self) -> dict[str, Band]:
        """Area of each part at 28 nm; parts that are not there are left out."""
        return {
            name: one.times(count)
            for name, one, count in (
                (BUFFER, BIT_UM2, self.buffer_bits),
                (PARAMETERS, BIT_UM2, self.parameter_bits),
                (MACS, MAC_UM2, self.mac_units),
                (WIDE, WIDE_UM2, self.wide_units),
            )
            if count
        }

    @property
    def energy_j(self) -> dict[str, Band]:
        """Energy of each part per token at 28 nm; parts that are not there are left out.

        All bits of a memory are read between two tokens: its banks have as many words.
        """
        moved_j = bit_j(self.cycles)
        return {
            name: one.times(count)
            for name, one, count in (
                (BUFFER, moved_j, self.buffer_moved_bits),
                (PARAMETERS, moved_j, self.parameter_bits),
                (MACS, MAC_J, self.products),
                (WIDE, WIDE_J, self.wide_products),
            )
            if count
        }

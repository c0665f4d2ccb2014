"""Settings of a sweep's points beside the head: tables of the sweep file, one class each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.synth.estimate.analog import AnalogConfig
from gaincell.synth.estimate.beside import Beside
from gaincell.tables import Table, checked, choice, flag, number, string, whole

MOST_SEED = (1 << 63) - 1


def _listed(kind: type, what: str, *, none: bool = False) -> Any:
    """Field of a tuple of ``kind``; or None, if ``none``. ``what`` names one of them."""

    def rule(value: Any) -> tuple[bool, str] | None:
        if none and value is None:
            return None
        fine = isinstance(value, tuple) and all(type(each) is kind for each in value)
        return None if fine else (True, f"a list of {what}")

    return checked(None if none else (), rule)


@dataclass(frozen=True, kw_only=True)
class TokenSettings(Table):
    """[tokens]: the codes that the head reads, for its pulses and its errors."""

    input: str | None = string(None)
    """npz with codes q, k, v; None: shipped codes if the config has their shape, else random."""
    input_bits: int | None = whole(None, low=1, high=8, none=True)
    """Width of all codes in ``input``, which are rounded to the head's; None: they have its
    widths."""
    seed: int = whole(0, low=0, most=MOST_SEED)
    """Of random codes, and of the arrays' faults."""
    count: int | None = whole(None, low=1, none=True)
    """Only so many of the first tokens; None: all."""


@dataclass(frozen=True, kw_only=True)
class SynthSettings(Table):
    """[synth]: how the digital control is mapped, as for ``gaincell synth``."""

    liberty: tuple[str, ...] = _listed(str, "names of Liberty files")
    """They make one library; empty: the built-in estimate, which knows no energies."""
    node_nm: float | None = number(None, above=0, unit="nm", none=True)
    """Of ``liberty``; None: not known."""
    shipped: bool = flag(False)
    """No synthesis: the shipped metrics of a config, as ``gaincell estimate`` takes them."""
    clock_gating: bool = flag(True)
    tokens: int | None = whole(None, low=0, none=True)
    """Tokens that go through the netlist for its power; 0: none; None: all of [tokens]."""


STARTS = ("closed-form", "ranges", "none")


@dataclass(frozen=True, kw_only=True)
class ModelSettings(Table):
    """[model]: the language model on the arrays, and the texts that it is scored on."""

    model: str | None = string(None)
    """A saved model's folder, a .gguf file, smollm2, or a hub's name."""
    texts: tuple[str, ...] = _listed(str, "text files")
    """Scored together: perplexity is of all their tokens."""
    fit_texts: tuple[str, ...] = _listed(str, "text files")
    """What the start is fitted on, a window of each in turn."""
    window: int = whole(1024, low=2)
    """Tokens read at once."""
    windows: int = whole(4, low=1)
    """Of each text, that are scored."""
    skip: int = whole(0, low=0)
    """Tokens of each text that are left out first."""
    fit_windows: int = whole(8, low=2)
    init: str = choice("closed-form", STARTS)
    """"closed-form": adapted; "ranges": not adapted; "none": as the model was saved, stock or
    converted."""
    layers: tuple[int, ...] | None = _listed(int, "numbers of layers", none=True)
    """On the arrays; None: all."""
    recent: int | None = whole(None, low=0, none=True)
    """Newest tokens beside the arrays, with "closed-form"; None: its default."""
    align_tokens: int | None = whole(None, low=0, none=True)
    """Tokens of the alignment, with "closed-form"; None: its default."""
    digital_heads: int | None = whole(None, low=0, none=True)
    """Heads that leave the arrays, with "closed-form"; None: its default."""
    seed: int = whole(0, low=0, most=MOST_SEED)
    """Of what "closed-form" draws."""
    faults: bool = flag(True)
    """The model's arrays have the faults of [faults], too."""


TABLES: Mapping[str, type[Table]] = {
    "analog": AnalogConfig,
    "faults": Faults,
    "beside": Beside,
    "tokens": TokenSettings,
    "synth": SynthSettings,
    "model": ModelSettings,
}
"""By the name of the table in a sweep file, and before the dot of a swept name."""
HEAD = tuple(field.name for field in fields(HeadConfig))
CONFIG, FROM_DESIGN = "config", "faults.from_design"
"""Names beside the fields: the config that a point starts from, and whether its faults are those
of the characterised design that its ``cell`` names."""


NAMES = (
    CONFIG,
    *HEAD,
    *(f"{table}.{field.name}" for table, kind in TABLES.items() for field in fields(kind)),
    FROM_DESIGN,
)
"""Everything that a sweep can set or vary: fields of the head, and table.field of all others."""

"""A head, twelve heads, twelve layers of them: area, time, energy per token.

All at 28 nm. The analog half comes from ``gaincell.synth.estimate.analog``, the digital half from
the metrics of a synthesis run, scaled from its library's technology. What stands beside the arrays,
``gaincell.synth.estimate.beside``, is kept apart: a system is asked for with it or without.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from gaincell.synth.estimate.analog import FIELDS, AnalogConfig
from gaincell.synth.estimate.arrays import DACS, ArraysEstimate, sum_of
from gaincell.synth.estimate.digital import Digital
from gaincell.synth.estimate.scaling import Band, Scaling, scaling_from

DIGITAL = "digital control"
SYSTEMS = {"1 head": (1, 1), "12 heads": (12, 1), "12 layers x 12 heads": (12, 12)}
"""By name: heads that work side by side, and layers that work one after another."""


@dataclass(frozen=True, kw_only=True)
class System:
    """Heads in one row of ``SYSTEMS``, at 28 nm."""

    heads: int
    area_mm2: Band
    latency_s: float
    """From the first layer's token to the last layer's result; only attention is counted."""
    interval_s: float
    """Between tokens of a known text; in decoding the next token waits for ``latency_s``."""
    energy_j: Band | None
    """Per token; None: the metrics hold no power."""


@dataclass(frozen=True, kw_only=True)
class Estimate(ArraysEstimate):
    """Area, time and energy of one head, from config, constants, activity and synthesis.

    Raises
    ------
    ValueError
        The metrics are those of another config.
    """

    digital: Digital

    def __post_init__(self) -> None:
        self.digital.check_is_of(self.config)

    @cached_property
    def scaling(self) -> Scaling:
        """From the library's node and voltage to 28 nm, 0.9 V."""
        return scaling_from(self.digital.node_nm, self.digital.voltage_v)

    @cached_property
    def area_um2(self) -> dict[str, Band]:
        """Area of each part at 28 nm."""
        digital = self.scaling.area.times(self.digital.area_um2)
        return self.analog_area_um2 | {DIGITAL: digital}

    @cached_property
    def energy_j(self) -> dict[str, Band | None]:
        """Energy of each part per token at 28 nm; None where the metrics hold no power."""
        digital_j = self.digital.energy_per_token_j
        digital = None if digital_j is None else self.scaling.energy.times(digital_j)
        return {**self.analog_energy_j, DIGITAL: digital}

    @property
    def fmax_hz(self) -> Band | None:
        """Highest clock of the digital part at 28 nm; its pessimistic end is the low one."""
        if self.digital.fmax_hz is None:
            return None
        delay = self.scaling.delay
        return Band(low=self.digital.fmax_hz / delay.high, high=self.digital.fmax_hz / delay.low)

    def system(self, heads: int, layers: int, *, beside: bool = False) -> System:
        """``layers`` layers of ``heads`` heads: heads work together, layers one after another.

        With ``beside``, what stands beside the arrays is part of every head. Heads that share an
        array have each its part of the area and of the writes; the last one reads after all others.
        """
        count, on_array = heads * layers, self.beside.on_array if beside else 1
        areas = [area.times(1 / on_array) for area in self.area_um2.values()]
        parts = self.energy_j | {DACS: self.dacs_j.times(1 / on_array)}
        energies = list(parts.values())
        if beside:
            areas += self.cost_beside.area_um2.values()
            energies += self.cost_beside.energy_j.values()
        latency_s, interval_s = self.times_s(beside=beside)
        energy_j = total(energies)
        return System(
            heads=count,
            area_mm2=sum_of(areas).times(count * 1e-6),
            latency_s=layers * latency_s,
            interval_s=interval_s,
            energy_j=None if energy_j is None else energy_j.times(count),
        )

    def cautions(self) -> list[str]:
        """One sentence on each thing that a reader of the numbers must know."""
        said = [self.scaling.caution] if self.scaling.caution else []
        said += self.digital.cautions()
        fmax_hz = self.digital.fmax_hz
        if fmax_hz is not None and fmax_hz * self.config.clock_s < 1:
            said.append(
                f"in this library the digital part reaches {fmax_hz / 1e6:.0f} MHz, less than the "
                f"{1e-6 / self.config.clock_s:.0f} MHz that latency and interval assume"
            )
        if self.analog.converter_area_um2 == DEFAULTS["converter_area_um2"]:
            said.append(
                "the paper's digital control is part of its 0.5 mm2 and so of the converters "
                "derived from it: our head counts a digital control twice"
            )
        changed = [name for name in FIELDS if getattr(self.analog, name) != DEFAULTS[name]]
        if changed:
            said.append(f"not the paper's constants in [analog]: {', '.join(changed)}")
        if self.beside:
            said.append(
                f"{self.beside.name} beside the arrays: estimated from published operations, not "
                "synthesized; without wires, control, leakage and the energy of registers"
            )
        return said


DEFAULTS = {name: getattr(AnalogConfig(), name) for name in FIELDS}


def total(bands: Iterable[Band | None]) -> Band | None:
    """Sum of bands; None if one is missing."""
    known = list(bands)
    present = [band for band in known if band is not None]
    return sum_of(present) if len(present) == len(known) else None

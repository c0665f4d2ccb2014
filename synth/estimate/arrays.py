"""The analog half of a head: area and energy of its parts, and the times of the schedule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add

from gaincell.config import HeadConfig
from gaincell.synth.estimate.analog import Activity, AnalogConfig, Parts
from gaincell.synth.estimate.beside import Beside, BesideCost
from gaincell.synth.estimate.scaling import Band

KEY_PRODUCT, VALUE_PRODUCT, DACS = "first dot product", "second dot product", "DACs"


@dataclass(frozen=True, kw_only=True)
class ArraysEstimate:
    """Area, time and energy of one head without its digital control, from constants and activity.

    All at 28 nm.
    """

    config: HeadConfig
    analog: AnalogConfig
    activity: Activity
    beside: Beside = field(default_factory=Beside)

    @cached_property
    def analog_area_um2(self) -> dict[str, Band]:
        """Area of each analog part."""
        parts, analog = Parts.of(self.config), self.analog
        return {
            "cells": Band.exact(parts.cells * analog.cell_area_um2),
            "first converters": Band.exact(parts.score_converters * analog.converter_area_um2),
            "second converters": Band.exact(parts.output_converters * analog.converter_area_um2),
            DACS: Band.exact(parts.dacs * analog.dac_area_um2),
        }

    @cached_property
    def analog_energy_j(self) -> dict[str, Band]:
        """Energy of each analog part per token.

        A dot product lies between its published energy, spread over the cells of this head, and
        the same energy in proportion to the measured pulses. The paper does not say which part of
        the energy follows the pulses, nor how long its pulses were.
        """
        config, analog = self.config, self.analog
        cells = config.head_dim * config.stored_columns
        return {
            KEY_PRODUCT: self._product_j(cells * analog.key_cell_pj, self.activity.key),
            VALUE_PRODUCT: self._product_j(cells * analog.value_cell_pj, self.activity.value),
            DACS: self.dacs_j,
        }

    @property
    def dacs_j(self) -> Band:
        """Energy of the writes of one token."""
        bits = self.config.head_dim * (self.config.key_bits + self.config.value_bits)
        return Band.exact(bits * self.analog.dac_bit_pj * 1e-12)

    @property
    def latency_s(self) -> float:
        """Accept of a token to its result, at the config's clock."""
        return self.config.latency_cycles * self.config.clock_s

    @property
    def interval_s(self) -> float:
        """Between two accepted tokens, at the config's clock."""
        return self.config.interval_cycles * self.config.clock_s

    @cached_property
    def cost_beside(self) -> BesideCost:
        """What stands beside the arrays of one head."""
        return BesideCost(beside=self.beside, config=self.config)

    def times_s(self, *, beside: bool) -> tuple[float, float]:
        """Latency and interval of one head, s; with ``beside``, of what stands beside it, too.

        Of heads that read one array in turn, the last one reads after all others.
        """
        if not beside:
            return self.latency_s, self.interval_s
        turns = self.beside.on_array
        more_s = self.cost_beside.latency_cycles * self.config.clock_s
        latency_s = self.latency_s + more_s + (turns - 1) * self.interval_s
        return latency_s, turns * self.interval_s

    def _product_j(self, published_pj: float, activity: float) -> Band:
        in_proportion = published_pj * activity / self.analog.published_activity
        return Band.around(Band.exact(published_pj), Band.exact(in_proportion)).times(1e-12)


def sum_of(bands: Iterable[Band]) -> Band:
    """Sum of bands, end by end."""
    return reduce(add, bands, Band.exact(0))

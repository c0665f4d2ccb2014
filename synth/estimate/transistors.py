"""The analog half of a head in the transistors of a characterised design, beside the paper's.

Energies are simulated at the design's own node and supply, areas are estimated there. To 28 nm
both have a band. Its low end is constant-field scaling. At its high end nothing shrinks:
capacitances and currents of an analog circuit follow from noise and mismatch, and only the supply
becomes 0.9 V.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gaincell.config import HeadConfig
from gaincell.synth.estimate.analog import Activity, Parts
from gaincell.synth.estimate.arrays import DACS, KEY_PRODUCT, VALUE_PRODUCT, sum_of
from gaincell.synth.estimate.comparison import Mark, Row
from gaincell.synth.estimate.scaling import TARGET_NM, TARGET_V, Band, constant_field
from gaincell.synth.estimate.system import DIGITAL, Estimate, total

WINDOW = 1024
"""Tokens of the head whose energies a record has; its dimensions are the cells on a line."""
FOLLOWING = ("cells", "word lines", "drivers", "wires to sub-tiles")
"""Of a product: what takes the less, the fewer and shorter the pulses on the arrays are."""
PRODUCTS = {"first": KEY_PRODUCT, "second": VALUE_PRODUCT}
TIMES = ("clock_s", "write_cycles", "reset_cycles", "late_cycles")


@dataclass(frozen=True, kw_only=True)
class Transistors:
    """One head's analog half in a design.

    parts_j : energy of each part per token, at the design's node and supply; None: not simulated
    areas_um2 : of each part, at the design's node; empty: not estimated
    latency_s : of a token, with the design's clock, writes, resets and late pulses
    half_step_s : shortest time in which a stored code loses half a step; None: not simulated
    """

    name: str
    node_nm: float
    voltage_v: float
    parts_j: Mapping[str, Band | None]
    areas_um2: Mapping[str, Band]
    cell_um2: Band | None
    latency_s: float
    half_step_s: float | None
    tau_s: float | None

    @classmethod
    def of(
        cls, record: Mapping[str, Any], config: HeadConfig, activity: Activity
    ) -> Transistors | None:
        """The analog half of ``config``'s head; None: its lines are not those of the design.

        Converters are sized for the cells on a line, so that a smaller head has others.
        """
        levels, derived = record["levels"], record["derived"]
        cells = levels["columns"]
        if (config.head_dim, config.columns) != (cells, cells):
            return None
        if (config.query_bits, config.key_bits) != (levels["query_bits"], levels["code_bits"]):
            return None
        parts = Parts.of(config)
        more = parts.score_converters / WINDOW
        found = {
            name: None if each_j is None else _band_of(name, each_j, more, activity, derived)
            for name, each_j in derived["token_energy_j"].items()
        }
        timed = replace(
            config,
            refresh=False,
            **{name: derived["config"][name] for name in TIMES},
        )
        held = record["retention"] or {}
        area = record.get("area") or {}
        return cls(
            name=str(record["design"]["name"]),
            node_nm=levels["node_nm"],
            voltage_v=levels["cell_v"],
            parts_j=found,
            areas_um2=_areas(area, parts, config),
            cell_um2=_area(area, "cell") if area else None,
            latency_s=timed.latency_cycles * timed.clock_s,
            half_step_s=held.get("half_step_s"),
            tau_s=held.get("tau_s"),
        )

    @property
    def energy_factor(self) -> Band:
        """Energy at 28 nm, 0.9 V over that at the design's node and supply."""
        field = constant_field(self.node_nm, self.voltage_v).energy
        return Band.around(field, Band.exact((TARGET_V / self.voltage_v) ** 2))

    @property
    def area_factor(self) -> Band:
        """Area at 28 nm over that at the design's node."""
        return Band.around(constant_field(self.node_nm, self.voltage_v).area, Band.exact(1))

    @property
    def sums_j(self) -> dict[str, Band]:
        """Energy of both products and of the writes, at the design's node; what is simulated."""
        sums: dict[str, Band] = {}
        for name, each in self.parts_j.items():
            product = PRODUCTS.get(name.partition(" ")[0], DACS)
            sums[product] = sum_of([sums.get(product, Band.exact(0)), each or Band.exact(0)])
        return sums

    @property
    def missing(self) -> list[str]:
        """Parts that are not simulated."""
        return [name for name, each in self.parts_j.items() if each is None]

    def rows(self, estimate: Estimate) -> list[Row]:
        """The paper's figures beside the design's at 28 nm, with ``estimate``'s digital control."""
        sums = {name: band.times(self.energy_factor) for name, band in self.sums_j.items()}
        analog_j = sum_of(sums.values())
        head_j = total([analog_j, estimate.energy_j[DIGITAL]])
        head_um2 = None
        if self.areas_um2:
            analog_um2 = sum_of(self.areas_um2.values()).times(self.area_factor)
            head_um2 = sum_of([analog_um2, estimate.area_um2[DIGITAL]])
        cell_um2 = self.cell_um2 and self.cell_um2.times(self.area_factor)
        tau = None if self.tau_s is None else Band.exact(self.tau_s)
        simulated, estimated = Mark.TRANSISTORS, Mark.ESTIMATED
        listed: list[tuple[str, str, float, Band | None, float, Mark]] = [
            (KEY_PRODUCT, "pJ", 1120, sums[KEY_PRODUCT], 1e12, simulated),
            (VALUE_PRODUCT, "pJ", 700, sums[VALUE_PRODUCT], 1e12, simulated),
            (DACS, "pJ", 330, sums[DACS], 1e12, simulated),
            ("analog half", "pJ", 2150, analog_j, 1e12, simulated),
            ("token and head", "pJ", 6100, head_j, 1e12, simulated),
            ("gain cell", "um2", 1, cell_um2, 1, estimated),
            ("head", "mm2", 0.5, head_um2, 1e-6, estimated),
            ("time constant of the leak", "ms", 5, tau, 1e3, simulated),
            ("latency", "ns", 65, Band.exact(self.latency_s), 1e9, Mark.SIMULATED),
        ]
        return [
            Row(name=name, unit=unit, paper=paper, ours=ours.times(scale), mark=mark)
            for name, unit, paper, ours, scale, mark in listed
            if ours is not None
        ]

    def as_json(self, estimate: Estimate) -> dict[str, Any]:
        """All numbers; those of ``parts_j`` and ``areas_um2`` at the design's node."""

        def ends(bands: Mapping[str, Band | None]) -> dict[str, Any]:
            return {
                name: None if band is None else {"low": band.low, "high": band.high}
                for name, band in bands.items()
            }

        factors = {"energy": self.energy_factor, "area": self.area_factor}
        return {
            "node_nm": self.node_nm,
            "voltage_v": self.voltage_v,
            "energy_per_token_j": ends(self.parts_j),
            "area_um2": ends(self.areas_um2),
            "half_step_s": self.half_step_s,
            "to_target": {"node_nm": TARGET_NM, "voltage_v": TARGET_V, **ends(factors)},
            "paper": {
                row.name: {"unit": row.unit, "paper": row.paper, "mark": str(row.mark)}
                | {"low": row.ours.low, "high": row.ours.high, "ratio": row.ratio}
                for row in self.rows(estimate)
            },
        }


def transistors_of(
    records: Iterable[Mapping[str, Any]], config: HeadConfig, activity: Activity
) -> list[Transistors]:
    """The analog halves of ``config``'s head in the designs that have its lines."""
    halves = (Transistors.of(record, config, activity) for record in records)
    return [each for each in halves if each is not None]


def _band_of(
    name: str, each_j: float, more: float, activity: Activity, derived: Mapping[str, Any]
) -> Band:
    """As simulated, and in proportion to the measured pulses where they decide.

    Products are of ``more`` columns than the record's.
    """
    product = name.partition(" ")[0]
    if product not in PRODUCTS:
        return Band.exact(each_j)
    whole = Band.exact(each_j * more)
    if name.partition(", ")[2] not in FOLLOWING:
        return whole
    measured = activity.key if product == "first" else activity.value
    share = measured / derived["analog"].get("published_activity", 0.5)
    return Band.around(whole, whole.times(share))


def _areas(area: Mapping[str, Any], parts: Parts, config: HeadConfig) -> dict[str, Band]:
    """Areas by part; sub-tiles have references of their own, and a driver for each row."""
    rows = config.tiles * (config.head_dim + config.columns)
    counts = {
        "cells": ("cell", parts.cells),
        "first converters": ("score_converter", parts.score_converters),
        "second converters": ("output_converter", parts.output_converters),
        "references": ("references", 2 * config.tiles * config.timing.banks),
        "drivers of word lines": ("line_driver", rows),
        DACS: ("write_select", parts.dacs),
    }
    return {
        name: _area(area, kind).times(count)
        for name, (kind, count) in counts.items()
        if kind in area
    }


def _area(area: Mapping[str, Any], kind: str) -> Band:
    return Band(low=area[kind]["low_um2"], high=area[kind]["high_um2"])

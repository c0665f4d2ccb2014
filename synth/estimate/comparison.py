"""Every number of the paper on one head, beside ours."""

from dataclasses import dataclass
from enum import StrEnum

from gaincell.synth.estimate.analog import AnalogConfig
from gaincell.synth.estimate.arrays import DACS, KEY_PRODUCT, VALUE_PRODUCT
from gaincell.synth.estimate.scaling import Band
from gaincell.synth.estimate.system import DIGITAL, Estimate, total


class Mark(StrEnum):
    """How far one of our numbers can be trusted beside the paper's."""

    PAPER = "built from the paper's own number"
    GIVEN = "built from numbers in the config's [analog]"
    MEASURED = "measured here"
    SIMULATED = "simulated here"
    ESTIMATED = "estimated"
    TRANSISTORS = "simulated transistors, scaled"
    BESIDE = "estimated: what is beside the arrays is not synthesized"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity of one head, the paper's beside ours."""

    name: str
    unit: str
    paper: float
    ours: Band
    mark: Mark

    @property
    def ratio(self) -> float:
        """Ours, at the end a verdict uses, over the paper's."""
        return self.ours.verdict / self.paper


def compare(estimate: Estimate) -> list[Row]:
    """The paper's numbers of one head, beside ours at 28 nm."""
    analog, energy_j = estimate.analog, estimate.energy_j
    head = estimate.system(1, 1)
    areas = _analog_mark(analog, "cell_area_um2", "converter_area_um2", "dac_area_um2")
    key, value = _analog_mark(analog, "key_cell_pj"), _analog_mark(analog, "value_cell_pj")
    digital_j, interval_s = energy_j[DIGITAL], estimate.interval_s
    cell, dac = _analog_mark(analog, "cell_area_um2"), _analog_mark(analog, "dac_bit_pj")
    whole = _analog_mark(analog, "key_cell_pj", "value_cell_pj", "dac_bit_pj")
    rows: list[tuple[str, str, float, Band | None, float, Mark]] = [
        ("gain cell", "um2", 1.0, Band.exact(analog.cell_area_um2), 1, cell),
        ("head", "mm2", 0.5, head.area_mm2, 1, areas),
        (KEY_PRODUCT, "pJ", 1120, energy_j[KEY_PRODUCT], 1e12, key),
        (VALUE_PRODUCT, "pJ", 700, energy_j[VALUE_PRODUCT], 1e12, value),
        (DACS, "pJ", 330, energy_j[DACS], 1e12, dac),
        (DIGITAL, "pJ", 4000, digital_j, 1e12, Mark.ESTIMATED),
        ("token and head", "pJ", 6100, total(energy_j.values()), 1e12, whole),
        (
            f"{DIGITAL}, power",
            "mW",
            113.7,
            None if digital_j is None else digital_j.times(1 / interval_s),
            1e3,
            Mark.ESTIMATED,
        ),
        ("latency", "ns", 65, Band.exact(estimate.latency_s), 1e9, Mark.SIMULATED),
        ("a token every", "ns", 65, Band.exact(interval_s), 1e9, Mark.SIMULATED),
    ]
    if estimate.beside:
        whole_head, name = estimate.system(1, 1, beside=True), f"with {estimate.beside.name}"
        latency, interval = map(Band.exact, (whole_head.latency_s, whole_head.interval_s))
        rows += [
            (f"head, {name}", "mm2", 0.5, whole_head.area_mm2, 1, Mark.BESIDE),
            (f"token and head, {name}", "pJ", 6100, whole_head.energy_j, 1e12, Mark.BESIDE),
            (f"latency, {name}", "ns", 65, latency, 1e9, Mark.BESIDE),
            (f"a token every, {name}", "ns", 65, interval, 1e9, Mark.BESIDE),
        ]
    return [
        Row(name=name, unit=unit, paper=paper, ours=ours.times(scale), mark=mark)
        for name, unit, paper, ours, scale, mark in rows
        if ours is not None
    ]


def _analog_mark(analog: AnalogConfig, *names: str) -> Mark:
    """PAPER as soon as one of the constants ``names`` is still the paper's."""
    published = AnalogConfig()
    kept = any(getattr(analog, name) == getattr(published, name) for name in names)
    return Mark.PAPER if kept else Mark.GIVEN

"""The figures of one head that other tools take: those of ``gaincell estimate``, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gaincell.config import HeadConfig
from gaincell.config_file import load_config
from gaincell.synth.estimate.activity import measure_activity
from gaincell.synth.estimate.analog import load_analog
from gaincell.synth.estimate.arrays import DACS, KEY_PRODUCT, VALUE_PRODUCT
from gaincell.synth.estimate.digital import metrics_of
from gaincell.synth.estimate.scaling import Band
from gaincell.synth.estimate.system import DIGITAL, Estimate


@dataclass(frozen=True, kw_only=True)
class HeadFigures:
    """Area, energy and time of one head at 28 nm, 0.9 V; of a band the high end, as a verdict.

    Energies of both products include their converters: the paper publishes no split.
    """

    config: HeadConfig
    cells_m2: float
    """Of K and V together."""
    score_converters_m2: float
    output_converters_m2: float
    dacs_m2: float
    """Of K and V together."""
    control_m2: float
    key_product_j: float
    """One query against all keys."""
    value_product_j: float
    """All scores against all values."""
    dac_bit_j: float
    """A written bit."""
    control_j: float
    """A token."""
    latency_s: float
    interval_s: float

    @property
    def writes_j(self) -> float:
        """Key and value of one token."""
        bits = self.config.key_bits + self.config.value_bits
        return self.config.head_dim * bits * self.dac_bit_j

    @property
    def token_j(self) -> float:
        """Everything of one token."""
        return self.key_product_j + self.value_product_j + self.writes_j + self.control_j

    @property
    def area_m2(self) -> float:
        """The whole head."""
        converters = self.score_converters_m2 + self.output_converters_m2
        return self.cells_m2 + converters + self.dacs_m2 + self.control_m2


@cache
def figures_of(source: str, metrics: str = "", seed: int = 0) -> HeadFigures:
    """Figures of the head that ``source`` names, a preset or a config file.

    Parameters
    ----------
    metrics : metrics.json of a ``gaincell synth`` run of this head; "": the shipped one
    seed : of random codes, where the shipped ones are not of this head's shape

    Raises
    ------
    ValueError, TypeError
        The config or the metrics cannot be used, or hold no power.
    """
    from gaincell.behavioral.tokens import typical_tokens

    config = load_config(source)
    digital = metrics_of(config, Path(metrics) if metrics else None)
    if digital is None:
        raise ValueError(
            f"no metrics are shipped for config {source}: make them with gaincell synth --liberty, "
            "and name their file"
        )
    estimate = Estimate(
        config=config,
        analog=load_analog(source),
        activity=measure_activity(*typical_tokens(config, seed), config),
        digital=digital,
    )
    areas = {name: band.verdict * 1e-12 for name, band in estimate.area_um2.items()}
    energies = {name: _known(band) for name, band in estimate.energy_j.items()}
    return HeadFigures(
        config=config,
        cells_m2=areas["cells"],
        score_converters_m2=areas["first converters"],
        output_converters_m2=areas["second converters"],
        dacs_m2=areas[DACS],
        control_m2=areas[DIGITAL],
        key_product_j=energies[KEY_PRODUCT],
        value_product_j=energies[VALUE_PRODUCT],
        dac_bit_j=estimate.analog.dac_bit_pj * 1e-12,
        control_j=energies[DIGITAL],
        latency_s=estimate.latency_s,
        interval_s=estimate.interval_s,
    )


def _known(band: Band | None) -> float:
    if band is None:
        raise ValueError(
            "the metrics hold no power: make them with gaincell synth --liberty and without "
            "--tokens 0"
        )
    return band.verdict

"""The metrics of a sweep by name: unit, which end is better, and how each is had of a point.

A value that lies in a band, such as an area that was scaled to 28 nm, is the end that a claim would
be judged by, as ``gaincell estimate`` judges: the high end of areas, energies and powers, the low
end of a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import exp, inf, sqrt
from statistics import fmean, stdev
from typing import Any

from gaincell.sweep.point import Point
from gaincell.synth.estimate.analog import Activity
from gaincell.synth.estimate.arrays import ArraysEstimate, sum_of
from gaincell.synth.estimate.digital import Digital, reference_metrics
from gaincell.synth.estimate.system import Estimate, System
from gaincell.synth.metrics import read_metrics

Results = Mapping[str, Mapping[str, Any]]
"""What was measured of a point, by the kind of the measure."""

ACTIVITY, CODE_ERROR, SYNTHESIS, PERPLEXITY = "activity", "code_error", "synthesis", "perplexity"
OF_ENERGIES = ("energy", "power")
"""Metrics for which the library needs energies, which the built-in estimate has not."""
LOSS, DIVERGENCE = 0, 1
"""Places of what a start made of the model, of each window."""


@dataclass(frozen=True)
class Metric:
    """One column of the table.

    column : its name there, with the unit
    value : raises ValueError, with the reason, if the point has none
    needs : kinds of measures, see ``gaincell.sweep.jobs.KINDS``
    more_is_better : for the Pareto front
    """

    column: str
    shown: str
    value: Callable[[Point, Results], float]
    needs: tuple[str, ...] = ()
    more_is_better: bool = False


def _arrays(point: Point, results: Results) -> ArraysEstimate:
    known = results.get(ACTIVITY, {"key": 0.0, "value": 0.0})
    activity = Activity(**known, source="the sweep's tokens")
    return ArraysEstimate(
        config=point.config, analog=point.analog, activity=activity, beside=point.beside
    )


def _estimate(point: Point, results: Results) -> Estimate:
    if point.synth.shipped:
        digital = reference_metrics(point.config)
        if digital is None:
            raise ValueError("no metrics are shipped for this config: leave out synth.shipped")
    else:
        # Metrics of a head with other saturations are this one's: they belong to the arrays.
        digital = replace(Digital.of(read_metrics(results[SYNTHESIS])), config=point.config)
    arrays = _arrays(point, results)
    return Estimate(
        config=point.config,
        analog=point.analog,
        activity=arrays.activity,
        digital=digital,
        beside=point.beside,
    )


def _head(point: Point, results: Results) -> System:
    return _estimate(point, results).system(1, 1, beside=bool(point.beside))


def _latency(point: Point, results: Results) -> float:
    return _arrays(point, results).times_s(beside=bool(point.beside))[0] * 1e9


def _interval(point: Point, results: Results) -> float:
    return _arrays(point, results).times_s(beside=bool(point.beside))[1] * 1e9


def _analog_area(point: Point, results: Results) -> float:
    return sum_of(_arrays(point, results).analog_area_um2.values()).verdict * 1e-6


def _analog_energy(point: Point, results: Results) -> float:
    return sum_of(_arrays(point, results).analog_energy_j.values()).verdict * 1e9


def _area(point: Point, results: Results) -> float:
    return _head(point, results).area_mm2.verdict


def _fmax(point: Point, results: Results) -> float:
    fmax_hz = _estimate(point, results).fmax_hz
    if fmax_hz is None:
        raise ValueError("fmax: the timing tool does not know the flops' own times")
    return fmax_hz.low * 1e-6


def _energy(point: Point, results: Results) -> float:
    energy_j = _head(point, results).energy_j
    if energy_j is None:
        raise ValueError(
            "energy and power need energies of cells: give [synth] liberty and tokens, or take "
            "analog_energy"
        )
    return energy_j.verdict * 1e9


def _power(point: Point, results: Results) -> float:
    return _energy(point, results) / _interval(point, results) * 1e3


def _output_error(point: Point, results: Results) -> float:
    unexplained = results[CODE_ERROR]["unexplained"]
    if unexplained is None:
        raise ValueError("output_error: the arrays' charge is the same for all tokens")
    return float(unexplained)


def _over_stock(results: Results, place: int) -> tuple[float, float]:
    """Mean over windows of one figure of each, nats per token, and its standard error."""
    values = [window[place] for window in results[PERPLEXITY]["over_stock"]]
    if not values:
        raise ValueError('perplexity_ratio and divergence need a start: [model] init is "none"')
    return fmean(values), stdev(values) / sqrt(len(values)) if len(values) > 1 else inf


def _ratio(point: Point, results: Results) -> float:
    return exp(_over_stock(results, LOSS)[0])


def _ratio_error(point: Point, results: Results) -> float:
    mean, error = _over_stock(results, LOSS)
    return _finite(exp(mean) * error)


def _finite(error: float) -> float:
    if error == inf:
        raise ValueError("a standard error needs two windows: raise [model] windows")
    return error


METRICS: Mapping[str, Metric] = {
    "latency": Metric("latency_ns", "latency, ns", _latency),
    "interval": Metric("interval_ns", "a token every, ns", _interval),
    "analog_area": Metric("analog_area_mm2", "analog area, mm2", _analog_area),
    "analog_energy": Metric(
        "analog_energy_nj", "analog energy, nJ per token", _analog_energy, (ACTIVITY,)
    ),
    "area": Metric("area_mm2", "area, mm2", _area, (SYNTHESIS,)),
    "fmax": Metric("fmax_mhz", "fmax, MHz", _fmax, (SYNTHESIS,), more_is_better=True),
    "energy": Metric("energy_nj", "energy, nJ per token", _energy, (ACTIVITY, SYNTHESIS)),
    "power": Metric("power_mw", "power, mW", _power, (ACTIVITY, SYNTHESIS)),
    "code_error": Metric(
        "code_error",
        "mean error of a code",
        lambda point, results: float(results[CODE_ERROR]["mean"]),
        (CODE_ERROR,),
    ),
    "output_error": Metric(
        "output_error", "relative error of outputs", _output_error, (CODE_ERROR,)
    ),
    "perplexity": Metric(
        "perplexity",
        "perplexity",
        lambda point, results: float(results[PERPLEXITY]["perplexity"]),
        (PERPLEXITY,),
    ),
    "perplexity_ratio": Metric(
        "perplexity_ratio", "perplexity over the stock model's", _ratio, (PERPLEXITY,)
    ),
    "perplexity_ratio_error": Metric(
        "perplexity_ratio_error", "standard error of that ratio", _ratio_error, (PERPLEXITY,)
    ),
    "divergence": Metric(
        "divergence_nats",
        "divergence, nats per token",
        lambda point, results: _over_stock(results, DIVERGENCE)[0],
        (PERPLEXITY,),
    ),
    "divergence_error": Metric(
        "divergence_error_nats",
        "standard error of the divergence",
        lambda point, results: _finite(_over_stock(results, DIVERGENCE)[1]),
        (PERPLEXITY,),
    ),
}


def needs_of(metric: str, point: Point) -> tuple[str, ...]:
    """Kinds of measures that a metric of this point needs; shipped metrics need no synthesis."""
    needs = METRICS[metric].needs
    return tuple(kind for kind in needs if not (kind == SYNTHESIS and point.synth.shipped))

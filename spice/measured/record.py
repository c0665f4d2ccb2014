"""The record of measured devices: the same file as that of a simulated design."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from gaincell.spice.derived import derived
from gaincell.spice.fit import NoFit
from gaincell.spice.measured.folder import Measurements
from gaincell.spice.measured.outliers import not_measured, without_outliers
from gaincell.spice.measured.response import MeasuredResponse, measured_response
from gaincell.spice.measured.retention import measured_retention
from gaincell.spice.record.plain import FC, listed
from gaincell.versions import versions

FORMAT = 1
CONDITIONS = {"stored": "V", "width": "s"}
NO_STAGES = ("converters are not measured: a head takes its own saturations",)


def measured_record(data: Measurements) -> dict[str, Any]:
    """The record of the devices in a folder; plain JSON, with what was not used in ``reports``.

    Raises
    ------
    NoFit
        The charges fit no polynomial.
    """
    levels = data.levels
    reports = [*data.charge.gaps, *not_measured(data.charge, CONDITIONS)]
    charge, outliers = without_outliers(data.charge, "charge", ("fC", FC), CONDITIONS)
    reports += outliers
    seen = measured_response(charge, levels)
    retention = None
    if data.retention is None:
        reports.append("retention: there are no traces, so a head takes its own retention")
    else:
        reports += data.retention.gaps
        try:
            retention = measured_retention(data.retention, levels, reports)
        except NoFit as error:
            reports.append(f"retention: {error}")
    record: dict[str, Any] = {
        "format": FORMAT,
        "design": {
            "name": data.name,
            "about": levels.about,
            "sha256": data.sha256,
            "models": "measured",
            "transistors": {},
        },
        "levels": asdict(levels) | {"write_off_v": 0.0},
        "sizes": {},
        "cell": _cell(seen),
        "retention": retention,
        "write": None,
        "noise": _noise(seen),
        "mismatch": _mismatch(seen),
        "corners": None,
        "score": None,
        "output": None,
        "reports": [*reports, *NO_STAGES],
    }
    record["derived"] = derived(record)
    devices, rows = len(seen.device_c), len(charge)
    record["made"] = {**versions("numpy"), "devices": devices, "charges": rows}
    return record


def _cell(seen: MeasuredResponse) -> dict[str, Any]:
    fitted = seen.polynomial
    return {
        "voltages_v": listed(seen.stored_v),
        "charge_fc": listed(seen.charge_c * FC),
        "error_fc": None if seen.error_c is None else listed(seen.error_c * FC),
        "center_v": fitted.center_v,
        "coefficients_fc": listed(fitted.coefficients * FC),
        "covariance_fc2": [listed(row * FC**2) for row in fitted.covariance],
        "full_scale_fc": fitted.full_scale * FC,
        "residual": fitted.residual,
    }


def _noise(seen: MeasuredResponse) -> dict[str, Any] | None:
    known = seen.noise_c[np.isfinite(seen.noise_c)]
    return {"read_fc": listed(known * FC)} if len(known) else None


def _mismatch(seen: MeasuredResponse) -> dict[str, Any] | None:
    spread = seen.mismatch()
    if spread is None:
        return None
    gain, offset, rest = spread
    return {
        "cells": len(seen.device_c),
        "source": "measured, noise included",
        "charge_fc": [listed(row * FC) for row in seen.device_c],
        "sigma_fc": listed(seen.device_c.std(axis=0, ddof=1) * FC),
        "gain_sigma": gain,
        "offset_sigma_fc": offset * FC,
        "rest_sigma_fc": rest * FC,
    }

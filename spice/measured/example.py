"""Writes made-up measurements of a shipped design: an example for ``gaincell characterise --data``.

Devices have the mismatch and the noise of the design's record, a tester adds its own noise, and
cells leak as the record says. One value is missing and one is wrong, as in real tables. Without
options this makes docs/do/measured_example again.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

from gaincell.design_file import SHIPPED
from gaincell.files import make_folder, replacing
from gaincell.tables import read_json

DEVICES, CYCLES = 10, 3
WIDTHS_NS = (5.0, 15.0)
TESTER_FC = 0.05
LEAK_SPREAD = 0.05
TIMES = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--design", default="freepdk45_long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/do/measured_example"))
    arguments = parser.parse_args()
    write_example(arguments.design, arguments.seed, arguments.output)


def write_example(design: str, seed: int, folder: Path) -> None:
    """Write the three files of made-up devices of a shipped design."""
    record = read_json(SHIPPED / f"{design}.json", "design")
    rng = np.random.default_rng(seed)
    make_folder(folder)
    _write(folder / "charge.csv", charges(record, rng))
    _write(folder / "retention.csv", traces(record, rng))
    levels = record["levels"]
    names = ("full_scale_v", "lowest_v", "clock_s", "write_cycles", "reset_cycles", "query_bits")
    lines = [f"{name} = {levels[name]}" for name in (*names, "code_bits", "columns")]
    about = f'about = "made up from {design}, seed {seed}: no real devices"'
    with replacing(folder / "data.toml") as unfinished:
        unfinished.write_text("\n".join(["[data]", about, *lines]) + "\n")


def charges(record: dict[str, Any], rng: np.random.Generator) -> list[list[str]]:
    """Rows of charge.csv."""
    cell, spread = record["cell"], record["mismatch"]
    full_ns = (2 ** record["levels"]["query_bits"] - 1) * record["levels"]["clock_s"] * 1e9
    noise_fc = record["derived"]["faults"]["read_noise"]
    volts = np.array(cell["voltages_v"])
    truth = np.polynomial.polynomial.polyval(volts - cell["center_v"], cell["coefficients_fc"])
    rows = [["device", "cycle", "stored [V]", "width [ns]", "charge [fC]"]]
    for device in range(DEVICES):
        gain = 1 + rng.normal(0, spread["gain_sigma"])
        offset = rng.normal(0, spread["offset_sigma_fc"])
        for cycle in range(CYCLES):
            for v, charge in zip(volts, gain * truth + offset, strict=True):
                for width in WIDTHS_NS:
                    part = width / full_ns
                    sigma = np.hypot(noise_fc * np.sqrt(part), TESTER_FC)
                    value = charge * part + rng.normal(0, sigma)
                    place = [str(device + 1), str(cycle + 1), f"{v:.4g}", f"{width:g}"]
                    rows.append([*place, f"{value:.3f}"])
    rows[100][-1] = ""
    rows[200][-1] = "250.000"
    return rows


def traces(record: dict[str, Any], rng: np.random.Generator) -> list[list[str]]:
    """Rows of retention.csv: the condition whose currents the record has."""
    held, levels = record["retention"], record["levels"]
    volts = np.array(held["voltages_v"])
    slope = -np.array(held["current_a"]) / np.array(held["capacitance_f"])
    longest_s = 1.5 * max(each for each in held["table"][0]["half_step_s"] if each is not None)
    rows = [["device", "start [V]", "time [us]", "held [mV]"]]
    for device in range(DEVICES // 2):
        faster = np.exp(rng.normal(0, LEAK_SPREAD))
        for code in range(2 ** levels["code_bits"]):
            last = 2 ** levels["code_bits"] - 1
            start = levels["lowest_v"] + (levels["full_scale_v"] - levels["lowest_v"]) * code / last
            fine = np.concatenate([[0], np.geomspace(longest_s / 500, longest_s, 8 * TIMES - 7)])
            now, path = start, [start]
            for step in np.diff(fine):
                now += faster * step * float(np.interp(now, volts, slope))
                path.append(now)
            for at in (0, *range(1, len(fine), 8)):
                place = [str(device + 1), f"{start:.4g}", f"{fine[at] * 1e6:.4g}"]
                rows.append([*place, f"{path[at] * 1e3:.2f}"])
    return rows


def _write(path: Path, rows: list[list[str]]) -> None:
    with replacing(path) as unfinished, unfinished.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()

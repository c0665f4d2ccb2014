"""Prove all of a head, two proofs at a time: ``python -m formal.prove -o docs/evidence/formal.md``.

``--cores -o docs/evidence/formal_cores.md`` proves what cores have beside that.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from formal.campaign import CORE_PROPERTIES, PROPERTIES, Property
from formal.geometries import describe
from formal.tools import ENGINE, Verdict, make_shims, missing_packages, prove

from gaincell.config import HeadConfig
from gaincell.files import replacing

PAGE = """\
# Table of proofs{of}

`make formal`: {proofs} proofs of {properties} properties, {failures} not proved,
{minutes:.1f} minutes.

Each line holds for every input in every cycle, without bound on time, of a head of that geometry.
M is the window, N the columns of a sub-tile, P the sink. Then come the cycles of a write and the
largest age in cycles if there is refresh. Two stages of sampling flops, and a readout other than
popcount, are named. [Proofs](proofs.md) names the assumptions and says why the heads are small.

| property | of | geometry | engine | bound | result | s |
|---|---|---|---|---|---|---|
{rows}

## What they say

{claims}
"""

Outcome = tuple[Property, HeadConfig, Verdict]


def main() -> int:
    parser = argparse.ArgumentParser(prog="formal.prove", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, help="page to write")
    parser.add_argument("--folder", type=Path, default=Path("build/formal"))
    parser.add_argument("--cores", action="store_true", help="prove what is said of cores")
    parser.add_argument("--only", default="", help="part of the names of the properties to prove")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if missing := missing_packages():
        print(f"proofs need {' and '.join(missing)}: pip install {' '.join(missing)}")
        return 2
    begin = time.monotonic()
    properties = CORE_PROPERTIES if options.cores else PROPERTIES
    outcomes = campaign(options.folder.resolve(), properties, options.only, options.jobs)
    failures = sum(verdict.result != "proved" for _, _, verdict in outcomes)
    minutes = (time.monotonic() - begin) / 60
    print(f"{len(outcomes)} proofs, {failures} not proved, {minutes:.1f} minutes")
    if options.output:
        with replacing(options.output) as page:
            page.write_text(markdown(outcomes, " of cores" * options.cores, failures, minutes))
    return 1 if failures or not outcomes else 0


def campaign(folder: Path, properties: tuple[Property, ...], only: str, jobs: int) -> list[Outcome]:
    """Prove those with ``only`` in their names; logs and traces are left in ``folder``."""
    shims = make_shims(folder / "bin")
    chosen = [(each, config) for each in properties if only in each.name for config in each.configs]

    def run(which: tuple[Property, HeadConfig]) -> Outcome:
        each, config = which
        place = folder / f"{each.name.replace(': ', '-').replace(' ', '_')}-{config_name(config)}"
        verdict = prove(each.design(config), place, shims)
        print(f"{each.name:42} {describe(config):52} {verdict.result:7} {verdict.seconds:6.1f} s")
        if verdict.result != "proved":
            print(f"  see {place}", flush=True)
        return each, config, verdict

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(run, chosen))


def config_name(config: HeadConfig) -> str:
    """``describe`` as a name of a folder."""
    return "-".join(describe(config).replace("=", "").replace(",", "").split())


def markdown(outcomes: list[Outcome], of: str, failures: int, minutes: float) -> str:
    """The page; its title ends with ``of``."""
    rows = [
        f"| {each.name} | {each.about} | {describe(config)} | {ENGINE} | "
        f"{'unbounded' if verdict.result == 'proved' else ''} | {verdict.result} | "
        f"{verdict.seconds:.0f} |"
        for each, config, verdict in outcomes
    ]
    properties = [each for each, _ in groupby(each for each, _, _ in outcomes)]
    claims = [f"{each.name}\n: {each.claim}\n" for each in properties]
    return PAGE.format(
        of=of,
        proofs=len(outcomes),
        properties=len(properties),
        failures=failures,
        minutes=minutes,
        rows="\n".join(rows),
        claims="\n".join(claims).rstrip(),
    )


if __name__ == "__main__":
    sys.exit(main())

"""``make mutants``: many small bugs in the Verilog, and how many of them the dynamic checks notice.

Each mutant is put to the shipped testbench and to the scenarios. A mutant that neither notices is
compared with the head by a proof: if both are equivalent, there is nothing to notice.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from gaincell.cocotb_tests.mutants.arguments import ARGUMENTS
from gaincell.cocotb_tests.mutants.checks import HEAD_ITSELF, MutantHead, Noticed
from gaincell.cocotb_tests.mutants.equivalence import compare_heads
from gaincell.cocotb_tests.mutants.mutate import Mutant
from gaincell.cocotb_tests.mutants.proof import EQUIVALENT, UNDECIDED
from gaincell.cocotb_tests.mutants.scenarios import CORES, HEADS
from gaincell.files import check_writable, replacing, scratch_folder
from gaincell.refusals import Failed
from gaincell.text import markdown

PROOF_S = 60
TARGET = 0.99


@dataclass(frozen=True)
class Fate:
    """What became of one mutant of a head.

    testbench, cosimulation : the check that noticed it, if any
    proof : of ``compare_heads``; None if it was noticed, and not compared
    """

    head: str
    mutant: Mutant
    testbench: Noticed | None
    cosimulation: Noticed | None
    proof: str | None = None

    @property
    def noticed(self) -> bool:
        """Whether any dynamic check noticed it."""
        return bool(self.testbench or self.cosimulation)

    @property
    def argument(self) -> str | None:
        """Why it is equivalent, if the proof does not say."""
        if self.proof is None or not self.proof.startswith(UNDECIDED):
            return None
        return ARGUMENTS.get(f"{self.head}: {self.mutant}")

    @property
    def equivalent(self) -> bool:
        """Whether it is proved, or argued, that it does what the head does."""
        return self.proof == EQUIVALENT or self.argument is not None

    @property
    def survived(self) -> bool:
        """Whether it may differ from the head, and no dynamic check noticed it."""
        return not self.noticed and not self.equivalent


def run_campaign(names: list[str], count: int, seed: int, jobs: int) -> list[Fate]:
    """The fates of ``count`` mutants of each head named.

    Raises
    ------
    Failed
        A check does not pass the head itself.
    """
    with scratch_folder("gaincell-mutants-") as folder:
        heads = [MutantHead(name, count, seed, folder) for name in names]
        for head in heads:
            head.compile()
            refused = head.ask_testbench(HEAD_ITSELF) or head.ask_scenarios(HEAD_ITSELF)
            if refused:
                raise Failed(f"the head {head.name} itself: {refused.check}, {refused.symptom}")
        _HEADS.update({head.name: head for head in heads})
        work = [(head.name, mutant.number) for head in heads for mutant in head.mutants]
        with ProcessPoolExecutor(jobs) as workers:  # they inherit the heads
            asked = workers.map(_ask, work)
            fates = list(tqdm(asked, total=len(work), unit=" mutants"))
            unnoticed = [fate for fate in fates if not fate.noticed]
            compared = workers.map(_compare, unnoticed)
            proved = dict(
                zip(unnoticed, tqdm(compared, total=len(unnoticed), unit=" proofs"), strict=True)
            )
    return [replace(fate, proof=proved.get(fate)) for fate in fates]


_HEADS: dict[str, MutantHead] = {}
"""The heads of the campaign, for its worker processes."""


def _ask(which: tuple[str, int]) -> Fate:
    name, number = which
    head = _HEADS[name]
    mutant = head.mutants[number - 1]
    return Fate(name, mutant, head.ask_testbench(number), head.ask_scenarios(number))


def _compare(fate: Fate) -> str:
    head = _HEADS[fate.head]
    wrong = head.wrong_verilog(fate.mutant.number)
    return compare_heads(head.verilog, wrong, head.config, PROOF_S)


def report(fates: list[Fate], command: str, seconds: float) -> str:
    """Markdown of all counts and survivors."""
    differ = [fate for fate in fates if not fate.equivalent]
    proved = sum(fate.proof == EQUIVALENT for fate in fates)
    noticed = sum(fate.noticed for fate in fates)
    parts = [
        f"`{command}`: {len(fates)} mutants; {proved} are proved equivalent, and "
        f"{len(fates) - len(differ) - proved} argued to be. Of the other {len(differ)}, "
        f"{noticed} are noticed (**{noticed / max(1, len(differ)):.1%}**) and "
        f"{len(differ) - noticed} not; {seconds / 60:.0f} minutes.",
        _components(fates),
        "Scenarios run one after the other, until one notices the mutant:",
        _scenarios(fates),
    ]
    if argued := [[*_cells(fate), fate.argument] for fate in fates if fate.argument]:
        heads = ["mutant", "line", "becomes", "proof", "since"]
        parts += ["Argued to be equivalent:", markdown(heads, argued)]
    if survivors := [_cells(fate) for fate in fates if fate.survived]:
        heads = ["head", "mutant", "becomes", "proof"]
        parts += ["Noticed by none:", markdown(heads, survivors)]
    return "\n\n".join(parts) + "\n"


def _components(fates: list[Fate]) -> str:
    groups = dict.fromkeys((fate.head, fate.mutant.component) for fate in fates)
    rows = [
        [*at, *_counts([fate for fate in fates if (fate.head, fate.mutant.component) == at])]
        for at in groups
    ]
    checks = ("by the testbench", "by co-simulation", "by either", "by none")
    heads = ("head", "component", "mutants", "equivalent", *checks)
    return markdown(heads, [*rows, ["", "all", *_counts(fates)]])


def _scenarios(fates: list[Fate]) -> str:
    scenarios = list(dict.fromkeys(each for head in _HEADS.values() for each in head.scenarios))
    rows = []
    for head in dict.fromkeys(fate.head for fate in fates):
        told = [
            fate.cosimulation.check for fate in fates if fate.head == head and fate.cosimulation
        ]
        rows.append([head, *(str(told.count(scenario)) for scenario in scenarios)])
    return markdown(["head", *scenarios], rows)


def _cells(fate: Fate) -> list[str]:
    mutant = fate.mutant
    line = f"{mutant.component}: `{mutant.line.strip()}`"
    return [f"{fate.head} {mutant.number}", line, f"`{mutant.new}`", fate.proof or ""]


def _counts(fates: list[Fate]) -> list[str]:
    numbers = (
        len(fates),
        sum(fate.equivalent for fate in fates),
        sum(fate.testbench is not None for fate in fates),
        sum(fate.cosimulation is not None for fate in fates),
        sum(fate.noticed for fate in fates),
        sum(fate.survived for fate in fates),
    )
    return [str(number) for number in numbers]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=170, help="of each head")
    parser.add_argument("--cores", action="store_true", help="change cores instead of heads")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="mutants at a time")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        check_writable(arguments.output)
    except ValueError as error:
        parser.error(str(error))
    started = time.monotonic()
    designs = CORES if arguments.cores else HEADS
    fates = run_campaign(list(designs), arguments.mutants, arguments.seed, arguments.jobs)
    text = report(fates, "make mutants", time.monotonic() - started)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(text)
    differ = sum(not fate.equivalent for fate in fates)
    return int(sum(fate.noticed for fate in fates) < TARGET * differ)


if __name__ == "__main__":
    sys.exit(main())

"""Simulates random cases and compares all that they say."""

from dataclasses import fields

import numpy as np

from gaincell.behavioral.lively import coverage, random_pace
from gaincell.cocotb_tests.fuzz.cases import Case, draw_core, draw_head
from gaincell.cocotb_tests.fuzz.report import Verdict
from gaincell.cocotb_tests.run.simulate import Simulated
from gaincell.cocotb_tests.run.verify import verify
from gaincell.refusals import Failed


def run_case(case: Case) -> Verdict:
    """Simulate and compare one case."""
    tokens = case.tokens
    rng = np.random.default_rng(case.seed)
    queries = len(tokens) * case.group
    covered = str(coverage(tokens, case.config))
    idle, stall = (random_pace(queries, case.longest_wait, rng) for _ in range(2))
    runs = []
    for simulator in case.simulators:
        try:
            run = verify(
                case.design,
                tokens,
                simulator=simulator,
                transport=case.transport,
                idle=idle,
                stall=stall,
                memory=case.memory,
                beat_pause=case.beat_pause,
                seed=case.seed,
            )
        except Failed as failure:
            return Verdict(case, covered, 0, 0, f"{simulator}: {failure}")
        runs.append(run)
    if differing := differences(runs):
        return Verdict(case, covered, 0, 0, f"the simulators differ in {', '.join(differing)}")
    status = runs[0].status
    return Verdict(case, covered, status["refreshed"], status["dropped"], None)


def differences(runs: list[Simulated]) -> list[str]:
    """What is not the same in all runs, the time that they took aside."""
    names = (field.name for field in fields(Simulated) if field.name != "seconds")
    return [
        name
        for name in names
        if not all(np.array_equal(getattr(runs[0], name), getattr(run, name)) for run in runs[1:])
    ]


def run_head(seed: int) -> Verdict:
    """Draw and run one head."""
    return run_case(draw_head(seed))


def run_core(seed: int) -> Verdict:
    """Draw and run one core."""
    return run_case(draw_core(seed))

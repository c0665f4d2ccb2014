"""The parts of the run, the most valuable first, and what each needs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gaincell.gpu_run.places import Places

Found = dict[str, Any] | None
"""Figures of a part; None: a signal stopped it, and the same call goes on from there."""


@dataclass(frozen=True)
class Part:
    """One part.

    what : in words, for the table
    work : run in a process of its own; imports torch
    least_s : seconds without which it is not begun
    needs : parts whose figures or products it reads
    product : what later parts read, below the working folder
    training : one of the plan's ``TRAININGS`` without which there is no such part
    """

    name: str
    what: str
    work: Callable[[Places], Found]
    least_s: float = 40.0
    needs: tuple[str, ...] = ()
    product: str | None = None
    training: str | None = None

    def products(self, work: Path) -> list[Path]:
        """Files that must be there if a later part needs this one."""
        named = [] if self.product is None else [work / self.product]
        return [work / f"{self.name}.json", *named]


def _tests(places: Places) -> Found:
    from gaincell.gpu_run.work.alone import run_tests

    return run_tests(places)


def _bench(places: Places) -> Found:
    from gaincell.gpu_run.work.alone import run_bench

    return run_bench(places)


def _attention(places: Places) -> Found:
    from gaincell.gpu_run.work.alone import run_attention

    return run_attention(places)


def _step(places: Places) -> Found:
    from gaincell.gpu_run.work.step import measure_step

    return measure_step(places)


def _start(places: Places) -> Found:
    from gaincell.gpu_run.work.start import make_start

    return make_start(places)


def _speed(places: Places) -> Found:
    from gaincell.gpu_run.work.training import measure_speeds

    return measure_speeds(places)


def _training(name: str, what: str, *needs: str, product: str | None = None) -> Part:
    def work(places: Places) -> Found:
        from gaincell.gpu_run.work.training import run_training

        return run_training(places, name, places.figures("speed"))

    return Part(name, what, work, 60.0, (*needs, "speed"), product, name)


def _difference(places: Places) -> Found:
    from gaincell.gpu_run.work.difference import difference_part

    return difference_part(places)


PARTS = (
    Part("tests", "pytest -m gpu", _tests),
    Part("bench", "gaincell bench-gpu", _bench, 90.0),
    Part("attention", "the kernels: exactness and times", _attention, 60.0),
    Part("step", "a training step of GPT-2 small", _step, 60.0),
    Part("start", "stage 1: the closed-form start, aligned", _start, 60.0, product="start"),
    Part("speed", "tokens per second of the trainings", _speed, 60.0, ("start",)),
    _training("distilled", "stage 2: distilled from the start", "start", product="distilled/model"),
    Part(
        "difference",
        "what stage 2 changed, as a small file",
        _difference,
        40.0,
        ("distilled",),
        training="distilled",
    ),
    _training("stock", "the stock model, trained alike"),
    _training("paper", "the paper's recipe"),
)


def part_of(name: str) -> Part:
    """The part of a name.

    Raises
    ------
    ValueError
        There is none.
    """
    for part in PARTS:
        if part.name == name:
            return part
    raise ValueError(f'there is no part "{name}", but {", ".join(x.name for x in PARTS)}')


def chosen_parts(trainings: Collection[str]) -> list[Part]:
    """All parts but those of other trainings; only the distilled one begins with a start."""
    chosen = [part for part in PARTS if part.training is None or part.training in trainings]
    if "distilled" in trainings:
        return chosen
    return [replace(part, needs=tuple(n for n in part.needs if n != "start")) for part in chosen]


def left(
    done: set[str], work: Path, trainings: Collection[str], only: Collection[str] = ()
) -> list[Part]:
    """Parts to run: those not done, and done ones whose products a part to run needs and lacks.

    ``only`` : names of parts, if no others are asked for.
    """
    parts = chosen_parts(trainings)
    asked = (part for part in parts if not only or part.name in only)
    chosen = {part.name for part in asked if part.name not in done}
    for part in reversed(parts):
        if part.name in chosen:
            for need in map(part_of, part.needs):
                if not all(path.exists() for path in need.products(work)):
                    chosen.add(need.name)
    return [part for part in parts if part.name in chosen]

"""Run a sweep: take what is kept, send the rest to the cluster, keep each result as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.refusals import Unable, first_line
from gaincell.sweep.cluster import DEATHS, Where, connected
from gaincell.sweep.jobs import Job, job_of, measure
from gaincell.sweep.kept import keep, read_kept
from gaincell.sweep.metrics import METRICS, needs_of
from gaincell.sweep.point import Point, point_of
from gaincell.sweep.sweep_file import Sweep

if TYPE_CHECKING:
    from distributed import Client

DIGITS = 12
"""Of a metric: the rest is rounding, which differs from machine to machine."""

Outcomes = Mapping[Path, Mapping[str, Any]]


@dataclass
class Planned:
    """A point and its jobs, or why it has none.

    jobs : by kind
    problems : by kind, why that measure cannot be asked for; "" for the whole point
    """

    values: Mapping[str, Any]
    point: Point | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """What the table says of a point.

    metrics : by name; None: the reason says why, or it was not to be measured of this point
    name : of the point, "" if it has none
    wanted : metrics that it shall have
    """

    values: Mapping[str, Any]
    metrics: Mapping[str, float | None]
    reason: str
    name: str = ""
    wanted: tuple[str, ...] = ()


def plan(sweep: Sweep) -> list[Planned]:
    """The jobs of every point. Points with equal inputs share a job."""
    return [
        _planned(sweep, values, sweep.metrics_of(number))
        for number, values in enumerate(sweep.points)
    ]


def _planned(sweep: Sweep, values: Mapping[str, Any], metrics: Sequence[str]) -> Planned:
    planned = Planned(values)
    try:
        planned.point = point_of({**sweep.fixed, **values}, sweep.folder)
    except (TypeError, ValueError) as error:
        planned.problems[""] = str(error)
        return planned
    kinds = [kind for name in metrics for kind in needs_of(name, planned.point)]
    for kind in dict.fromkeys(kinds):
        try:
            planned.jobs[kind] = job_of(kind, planned.point)
        except (TypeError, ValueError) as error:
            planned.problems[kind] = str(error)
    return planned


def jobs_of(points: Sequence[Planned]) -> dict[Path, Job]:
    """All jobs, each once, by the place of its result."""
    return {job.place: job for planned in points for job in planned.jobs.values()}


def kept_of(jobs: Mapping[Path, Job]) -> dict[Path, Mapping[str, Any]]:
    """Outcomes of jobs that earlier sweeps did."""
    found = ((place, read_kept(place)) for place in jobs)
    return {place: outcome for place, outcome in found if outcome is not None}


def left_out_of(jobs: Sequence[Job]) -> dict[Path, Mapping[str, Any]]:
    """Outcomes of jobs that are not run now."""
    return {job.place: {"kind": job.kind, "failed": "not measured yet"} for job in jobs}


def run_jobs(
    jobs: Sequence[Job],
    where: Where,
    *,
    started: Callable[[Client], None] = lambda client: None,
    done: Callable[[Job, Mapping[str, Any]], None] = lambda job, outcome: None,
) -> dict[Path, Mapping[str, Any]]:
    """Outcomes of ``jobs``, which the cluster ran; each was kept as it came.

    Parameters
    ----------
    started : told the client, before the first job
    done : told each job with its outcome

    Raises
    ------
    Unable
        The scheduler was lost, or a result could not be kept. The same sweep, run again, goes on.
    """
    outcomes: dict[Path, Mapping[str, Any]] = {}
    if not jobs:
        return outcomes
    with connected(where) as client:
        started(client)
        for job, outcome in _ran(client, jobs):
            with _room(job, len(outcomes), len(jobs)):
                keep(job.place, outcome)
            outcomes[job.place] = outcome
            done(job, outcome)
    return outcomes


def _ran(client: Client, jobs: Sequence[Job]) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Jobs with their outcomes, in the order in which they end."""
    from distributed import CancelledError, KilledWorker, as_completed
    from distributed.comm.core import CommClosedError

    futures = {client.submit(measure, job, key=job.place.stem): job for job in jobs}
    for count, future in enumerate(as_completed(list(futures), loop=client.loop)):
        job = futures.pop(future)
        lost = Unable(
            f"the scheduler was lost: {count} of {len(jobs)} results are kept, and the same "
            "command goes on from there"
        )
        if future.status == "finished":
            try:
                outcome = future.result()
            except (CancelledError, CommClosedError) as closed:  # lost since it was finished
                raise lost from closed
        elif future.status == "error":
            error = future.exception()
            if not isinstance(error, KilledWorker):
                raise error
            outcome = {
                "kind": job.kind,
                "failed": f"its worker died, {DEATHS + 1} times: it may need more memory "
                "(--memory-gb)",
                "seconds": 0.0,
            }
        else:
            raise lost
        yield job, outcome


@contextmanager
def _room(job: Job, count: int, total: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unable(
            f"{job.place.parent}: {first_line(error)}; {count} of {total} results are kept, and "
            "the same command goes on from there"
        ) from error


def rows_of(sweep: Sweep, points: Sequence[Planned], outcomes: Outcomes) -> list[Row]:
    """A row for each point."""
    return [_row(sweep, number, each, outcomes) for number, each in enumerate(points)]


def _row(sweep: Sweep, number: int, planned: Planned, outcomes: Outcomes) -> Row:
    name, wanted = sweep.name_of(number), sweep.metrics_of(number)
    metrics: dict[str, float | None] = dict.fromkeys(sweep.metrics)
    if planned.point is None:
        return Row(planned.values, metrics, planned.problems[""], name, wanted)
    results: dict[str, Any] = {}
    reasons = dict(planned.problems)
    for kind, job in planned.jobs.items():
        outcome = outcomes[job.place]
        if "result" in outcome:
            results[kind] = outcome["result"]
        else:
            reasons[kind] = outcome.get("refused") or outcome["failed"]
    said: list[str] = []
    for metric in wanted:
        lacking = [kind for kind in needs_of(metric, planned.point) if kind not in results]
        if lacking:
            said += [f"{kind}: {reasons[kind]}" for kind in lacking]
            continue
        try:
            value = METRICS[metric].value(planned.point, results)
            metrics[metric] = float(f"{value:.{DIGITS}g}")
        except ValueError as error:
            said.append(str(error))
    return Row(planned.values, metrics, "; ".join(dict.fromkeys(said)), name, wanted)

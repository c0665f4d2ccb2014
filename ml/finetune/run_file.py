"""A whole run file, run.toml: read, checked, and compared with another one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from gaincell.ml.finetune.settings import (
    Adapt,
    ArrayFaults,
    Data,
    HeldOut,
    Model,
    Run,
    Stage,
    Teacher,
    Training,
)
from gaincell.tables import build, read_toml, unknown_key


@dataclass(frozen=True, kw_only=True)
class RunFile:
    """All tables of a run file.

    Raises
    ------
    ValueError
        Tables that do not fit together, all of them in one message.
    """

    run: Run
    model: Model
    data: Data
    training: Training = field(default_factory=Training)
    held_out: HeldOut | None = None
    teacher: Teacher | None = None
    linear: Stage | None = None
    adapt: Adapt | None = None
    nonlinear: Stage | None = None
    faults: ArrayFaults | None = None

    def __post_init__(self) -> None:
        errors = []
        if len(self.data.sources) != 1:
            errors.append("[data] needs one of text, token_file and hub")
        if self.held_out is not None and len(self.held_out.sources) > 1:
            errors.append("[held_out] needs at most one of text, token_file and hub")
        if not self.stages:
            errors.append("there is nothing to train: give [nonlinear], [linear] or both")
        if self.adapt is not None and self.nonlinear is None:
            errors.append("[adapt] is given, but no [nonlinear] that it would lead to")
        for name, stage in self.stages:
            if stage.warmup > stage.steps:
                errors.append(
                    f"[{name}] warmup is {stage.warmup}, but must be at most steps, {stage.steps}"
                )
        if self.faults is not None and self.training.activation_checkpointing:
            errors.append(
                "[training] activation_checkpointing would draw the noise of [faults] twice: leave "
                "out one of them"
            )
        if errors:
            raise ValueError("; ".join(errors))

    @property
    def stages(self) -> list[tuple[str, Stage]]:
        """The stages to train, in order, with their names."""
        both = (("linear", self.linear), ("nonlinear", self.nonlinear))
        return [(name, stage) for name, stage in both if stage is not None]

    def as_tables(self) -> dict[str, Any]:
        """Every key of every table, for JSON; None for a missing table."""
        return {
            name: table and {key: _plain(value) for key, value in table.items()}
            for name, table in asdict(self).items()
        }


TABLES: dict[str, type[Any]] = {
    "run": Run,
    "model": Model,
    "data": Data,
    "training": Training,
    "held_out": HeldOut,
    "teacher": Teacher,
    "linear": Stage,
    "adapt": Adapt,
    "nonlinear": Stage,
    "faults": ArrayFaults,
}


def load_run_file(path: Path) -> RunFile:
    """The run file of that path.

    Raises
    ------
    TypeError, ValueError
        The file cannot be read, or holds errors; one message names them all.
    """
    tables = read_toml(path, "run file")
    errors = [unknown_key(key, TABLES) for key in tables if key not in TABLES]
    needed = [each.name for each in fields(RunFile)[:3]]
    errors += [f"table [{name}] is missing" for name in needed if name not in tables]
    built: dict[str, Any] = {}
    for name, table in tables.items():
        if name in TABLES:
            try:
                built[name] = build(TABLES[name], table, name)
            except (TypeError, ValueError) as error:
                errors.append(str(error))
    if not errors:
        try:
            return RunFile(**built)
        except ValueError as error:
            errors.append(str(error))
    raise ValueError(f"run file {path}: {'; '.join(errors)}")


def differences(now: RunFile, before: RunFile) -> list[str]:
    """Which keys of two run files differ, and how."""
    changes = []
    for name, table in now.as_tables().items():
        other = before.as_tables()[name]
        if (table is None) != (other is None):
            changes.append(f"[{name}] is {'new' if other is None else 'gone'}")
            continue
        for key, value in (table or {}).items():
            was = cast(dict[str, Any], other)[key]
            if value != was:
                changes.append(f"[{name}] {key} is {value!r} and was {was!r}")
    return changes


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

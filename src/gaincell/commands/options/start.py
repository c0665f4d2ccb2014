"""``gaincell convert --init``: the table of starts, with the options of each and what it does.

A new start is a function below and a line in ``STARTS``: choices, help, checks and the call follow
from the table.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.heads import heads_of
from gaincell.commands.options.layers import automatic
from gaincell.config import HeadConfig

if TYPE_CHECKING:
    from torch import Tensor

    from gaincell.ml.start import Errors

LAYER_KINDS = ("hardware", "linear", "softmax", "stock")
FEW_WINDOWS = 4


@dataclass(frozen=True)
class Conversion:
    """What ``gaincell convert`` is to do, once model and text are read.

    layers : to convert; None: all
    windows : (W, T) tokens of the text
    settings : what the start's ``read`` made of its options
    folder : where a start may keep layers until the model is saved
    """

    model: Any
    config: HeadConfig
    kind: str
    layers: list[int] | None
    windows: "Tensor"
    settings: Any
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Start:
    """One choice of --init.

    run : converts the model and sets its scalers; returns what the command prints of them
    help : one clause
    kinds : of layers that it can make
    windows : of text by default; None: as many as the machine fits in about ten minutes
    options : its own options by field name, each a type and a help text
    read : checks the given options, before the model is loaded; the result goes into ``settings``
    """

    run: Callable[[Conversion], str]
    help: str
    kinds: tuple[str, ...] = ("hardware",)
    windows: int | None = FEW_WINDOWS
    options: Mapping[str, tuple[type, str]] = field(default_factory=dict)
    read: Callable[[Mapping[str, Any]], Any] = lambda given: None


def _ranges(conversion: Conversion) -> str:
    from gaincell.ml.models.convert import convert
    from gaincell.ml.start.ranges import fit_ranges

    windows = conversion.windows
    convert(conversion.model, conversion.config, conversion.kind, conversion.layers)
    fit_ranges(conversion.model, windows)
    return f"ranges, fitted on {len(windows)} windows of {windows.shape[1]} tokens"


def _matching(conversion: Conversion) -> str:
    """Layers of kind "linear" become hardware with the moments they had."""
    from tqdm import tqdm

    from gaincell.ml.models.convert import convert
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.settings import Settings
    from gaincell.ml.start.matching import ITERATIONS, match_moments
    from gaincell.ml.start.moments import moments_of

    model, layers, windows = conversion.model, conversion.layers, conversion.windows
    kinds = Settings.of(model.config).kinds if isinstance(model, HardwareModel) else ()
    linear = [layer for layer, kind in enumerate(kinds) if kind == "linear"]
    wrong = [layer for layer in layers or linear if layer not in linear]
    if wrong or not linear:
        subject = f"layer {wrong[0]} is not" if wrong else "no layer is"
        raise ValueError(
            f"{subject} of kind linear, and --init matching adapts a model trained with those: "
            "convert it with --kind linear and train it first"
        )
    targets = moments_of(model, windows)
    convert(model, conversion.config, conversion.kind, layers or linear)
    with tqdm(total=ITERATIONS, desc="matching", unit="update", disable=None) as bar:

        def show(updates: int, distance: float) -> None:
            bar.update(updates - bar.n)
            bar.set_postfix(distance=f"{distance:.2g}")

        return str(match_moments(model, targets, windows, progress=show))


def _closed_form(conversion: Conversion) -> str:
    from tqdm import tqdm

    from gaincell.ml.process.memory import keep_freed_memory
    from gaincell.ml.start import closed_form

    keep_freed_memory()
    layers, windows = conversion.layers, conversion.windows
    count = conversion.model.config.num_hidden_layers if layers is None else len(layers)
    reused = 0
    with tqdm(total=count, desc="layers", unit="layer", disable=None) as bar:

        def show(layer: int, errors: "Errors | None") -> None:
            nonlocal reused
            bar.update()
            if errors is None:
                reused += 1
            else:
                bar.set_postfix(layer=layer, attention_error=f"{errors.attention:.2f}")

        closed_form(
            conversion.model,
            conversion.config,
            windows,
            layers=layers,
            options=conversion.settings,
            folder=conversion.folder,
            progress=show,
        )
    again = f", {reused} layers taken from an earlier run" if reused else ""
    return f"closed form, {len(windows)} windows of {windows.shape[1]} tokens{again}"


def _start_options(given: Mapping[str, Any]) -> Any:
    from gaincell.ml.start import StartOptions

    options = dict(given)
    if "digital_heads" in options:
        options["digital_heads"] = _digital_heads(options["digital_heads"])
    try:
        return StartOptions(**options)
    except ValueError as error:
        sentences = (sentence.split(" ", 1) for sentence in str(error).split("; "))
        named = (f"--{name.replace('_', '-')} {rest}" for name, rest in sentences)
        raise ValueError("; ".join(named)) from error


def _digital_heads(text: str) -> int | tuple[tuple[int, int], ...]:
    """How many heads, of auto:6, or which, of 10:0,12:4."""
    option = "--digital-heads"
    count = automatic(option, text, least=0)
    return tuple(heads_of(option, text)) if count is None else count


STARTS = {
    "closed-form": Start(
        run=_closed_form,
        help="maps and projections fitted layer by layer",
        windows=None,
        options={
            "refit": (str, "projections fitted anew: attention (its output projection only), down "
                      "(also each MLP's last one; default), lm_head (also the last of all)"),
            "recent": (int, "newest tokens that attend beside the arrays, and the first with them; "
                       "0: the arrays alone; default: a 32nd of the tokens in the arrays, 4 at "
                       "least"),
            "digital_heads": (str, "heads that leave the arrays for a digital softmax, such as "
                              "10:0,12:4, or auto:6 for the six that lose most on them; auto:0: "
                              "none; default: one of 45, beside recent tokens"),
            "shared_keys": (bool, "heads that share keys and values in the model share maps and "
                            "arrays, too; default: every query head has its own"),
            "rounds": (int, "rounds of the score fit; default 12"),
            "full_pulse": (float, "softmax weight that a full phi pulse stands for; default 1 "
                           "with recent tokens, 0.4 without"),
            "align_tokens": (int, "tokens on which each layer is aligned by gradient steps; 0: "
                             "none; default: five passes of the windows that are fitted"),
            "farthest": (int, "windows begin at positions up to this one; default: the tokens "
                         "in the arrays"),
            "seed": (int, "of the windows drawn; default 0"),
        },
        read=_start_options,
    ),
    "matching": Start(
        run=_matching,
        help="the moments of a model trained with linear layers (the paper's adaptation)",
    ),
    "ranges": Start(
        run=_ranges,
        help="scalers from the ranges of the model's values",
        kinds=LAYER_KINDS,
    ),
}  # fmt: skip
"""The choices of --init by name. The first that makes layers of --kind is the default."""


def add_start_arguments(parser: argparse.ArgumentParser) -> None:
    """--init, and the options of every start."""
    choices = "; ".join(f"{name}: {start.help}" for name, start in STARTS.items())
    parser.add_argument(
        "--init",
        choices=STARTS,
        help=f"{choices}. Default: closed-form for layers of kind hardware, else ranges",
    )
    for name, start in STARTS.items():
        if start.options:
            group = parser.add_argument_group(f"with --init {name}")
            for option, (kind, text) in start.options.items():
                flag = f"--{option.replace('_', '-')}"
                if kind is bool:
                    group.add_argument(flag, action="store_true", default=None, help=text)
                else:
                    group.add_argument(flag, type=kind, help=text)


def chosen_start(arguments: argparse.Namespace) -> tuple[Start, Any]:
    """The start of --init or the default, and its settings.

    Raises
    ------
    ValueError
        A kind of layer that the start does not make, an option of another start, or a value out of
        range.
    """
    if arguments.init is None:
        arguments.init = next(
            name for name, start in STARTS.items() if arguments.kind in start.kinds
        )
    chosen = STARTS[arguments.init]
    if arguments.kind not in chosen.kinds:
        raise ValueError(
            f"--init {arguments.init} makes layers of kind {', '.join(chosen.kinds)}, but --kind "
            f"is {arguments.kind}"
        )
    for name, start in STARTS.items():
        for option in start.options:
            if getattr(arguments, option) is not None and option not in chosen.options:
                shown = option.replace("_", "-")
                raise ValueError(f"--{shown} goes with --init {name}, not {arguments.init}")
    given = {name: getattr(arguments, name) for name in chosen.options}
    return chosen, chosen.read({name: value for name, value in given.items() if value is not None})


def choose_windows(
    start: Start, settings: Any, model: Any, layers: list[int] | None, most: int, window: int
) -> int:
    """How many of ``most`` windows a start reads; says so where it chooses."""
    if start.windows is not None:
        return start.windows
    from gaincell.ml.start.calibration import Machine, calibration_for

    machine = Machine.here()
    calibration = calibration_for(model, layers, window, machine)
    windows = max(2, min(calibration.windows, most))
    passes = settings.aligned(windows * window) / (windows * window)
    minutes = max(1, round(calibration.seconds(windows, passes) / 60))
    if windows <= most:
        print(
            f"fitting on {windows} windows of {window} tokens: about {minutes} min with "
            f"{machine.threads} threads; --windows sets another number",
            file=sys.stderr,
        )
    return windows


def kept_layers(arguments: argparse.Namespace) -> Path:
    """Where a start may keep layers until the model is saved."""
    output: Path = arguments.output
    return output.with_name(f"{output.name}.layers")


def remove_kept_layers(arguments: argparse.Namespace) -> None:
    """Remove what was kept to go on after an interruption: the model is saved."""
    if arguments.init == "closed-form":
        shutil.rmtree(kept_layers(arguments))

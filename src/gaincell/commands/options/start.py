"""``gaincell convert --init closed-form``: its options, progress, and what it keeps to go on."""

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.config import HeadConfig

if TYPE_CHECKING:
    from torch import Tensor

    from gaincell.ml.start import Errors, StartOptions

OPTIONS = {
    "refit": (str, "projections fitted anew: attention (its output projection only), down (also "
              "each MLP's last one; default), lm_head (also the last of all)"),
    "rounds": (int, "rounds of the score fit; default 24"),
    "full_pulse": (float, "softmax weight that a full phi pulse stands for; default 0.4"),
    "distil_steps": (int, "steps of layer-wise distillation for each layer; default 0"),
    "distil_rate": (float, "learning rate of those; default 0.004"),
    "seed": (int, "of the windows drawn; default 0"),
}  # fmt: skip
"""Fields of ``StartOptions`` that are options of the command: type and help."""


def add_start_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of ``StartOptions``."""
    group = parser.add_argument_group("with --init closed-form")
    for name, (kind, text) in OPTIONS.items():
        group.add_argument(f"--{name.replace('_', '-')}", type=kind, help=text)


def start_options(arguments: argparse.Namespace) -> "StartOptions | None":
    """What was asked for; None if the start is another.

    Raises
    ------
    ValueError
        A value out of range, another kind than hardware, or options of a start not asked for.
    """
    from gaincell.ml.start import StartOptions

    given = {
        name: getattr(arguments, name) for name in OPTIONS if getattr(arguments, name) is not None
    }
    if arguments.init != "closed-form":
        if given:
            name = next(iter(given)).replace("_", "-")
            raise ValueError(f"--{name} goes with --init closed-form, not {arguments.init}")
        return None
    if arguments.kind != "hardware":
        raise ValueError(
            f"--init closed-form makes layers of kind hardware, but --kind is {arguments.kind}"
        )
    return StartOptions(**given)


def run_start(
    model: Any,
    config: HeadConfig,
    layers: list[int] | None,
    windows: "Tensor",
    options: "StartOptions",
    arguments: argparse.Namespace,
) -> str:
    """Convert the model, with a progress bar; says on what.

    Raises
    ------
    TypeError, ValueError
        As ``closed_form``.
    """
    from tqdm import tqdm

    from gaincell.ml.process.memory import keep_freed_memory
    from gaincell.ml.start import closed_form

    keep_freed_memory()
    count = model.config.num_hidden_layers if layers is None else len(layers)
    taken = 0
    with tqdm(total=count, desc="layers", unit="layer", disable=None) as bar:

        def show(layer: int, errors: "Errors | None") -> None:
            nonlocal taken
            bar.update()
            if errors is None:
                taken += 1
            else:
                bar.set_postfix(layer=layer, attention_error=f"{errors.attention:.2f}")

        closed_form(
            model,
            config,
            windows,
            layers=layers,
            options=options,
            folder=_folder(arguments),
            progress=show,
        )
    again = f", {taken} layers taken from an earlier run" if taken else ""
    return f"closed form, {len(windows)} windows of {windows.shape[1]} tokens{again}"


def remove_start(arguments: argparse.Namespace) -> None:
    """Remove what was kept to go on after an interruption: the model is saved."""
    if arguments.init == "closed-form":
        shutil.rmtree(_folder(arguments))


def _folder(arguments: argparse.Namespace) -> Path:
    """Where layers are kept until the model is complete."""
    output: Path = arguments.output
    return output.with_name(f"{output.name}.layers")

"""``gaincell convert --layers auto:N``: measures what each layer costs, and takes the cheapest."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.commands.options.layers import AUTO, automatic
from gaincell.config import HeadConfig
from gaincell.text import grid

if TYPE_CHECKING:
    from torch import Tensor

    from gaincell.ml.start import Sensitivity


def least_of(arguments: argparse.Namespace) -> int | None:
    """N of --layers auto:N, which only the closed-form start has; None for a list of layers.

    Raises
    ------
    ValueError
        As ``automatic``; or another start is chosen.
    """
    least = automatic("--layers", arguments.layers)
    if least is not None and arguments.init != "closed-form":
        raise ValueError(
            f"--layers {arguments.layers} goes with --init closed-form, not {arguments.init}"
        )
    return least


def check_least_layers(model: Any, least: int) -> None:
    """Raise ValueError if the model has fewer layers than --layers auto:N asks for."""
    most = model.config.num_hidden_layers
    if least > most:
        raise ValueError(
            f"--layers is {AUTO}{least}, but must be {AUTO}1 to {AUTO}{most}, as the model has "
            f"{most} layers"
        )


def cheapest_layers(
    model: Any,
    config: HeadConfig,
    windows: "Tensor",
    least: int,
    settings: Any,
    folder: Path,
) -> list[int]:
    """The ``least`` layers that cost least; prints what each layer costs.

    ``folder`` keeps what is measured until the model is saved.
    """
    from tqdm import tqdm

    from gaincell.ml.start import by_cost, sensitivities

    count = model.config.num_hidden_layers
    with tqdm(total=count, desc="measuring", unit="layer", disable=None) as bar:
        found = sensitivities(
            model,
            config,
            windows,
            options=settings,
            folder=folder,
            progress=lambda _: bar.update(),
        )
    order = by_cost(found)
    print(shown(order, least))
    sys.stdout.flush()
    return sorted(each.layer for each in order[:least])


def shown(order: Iterable["Sensitivity"], least: int) -> str:
    """A row for each layer, cheapest first; the first ``least`` are marked."""
    rows = [("layer", "alone, nats per token", "")]
    for place, each in enumerate(order):
        rows.append((str(each.layer), f"{each.nats:.5f}", "converted" if place < least else ""))
    return grid(rows)

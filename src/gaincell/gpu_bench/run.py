"""All measurements with a progress bar; errors of the device become one sentence."""

from __future__ import annotations

from dataclasses import replace

import torch
from tqdm import tqdm

from gaincell.gpu_bench.bench import bench, measurements
from gaincell.gpu_bench.machine import Machine
from gaincell.gpu_bench.records import AUTHORS_BATCH, Bench, Settings
from gaincell.gpu_bench.workload import bytes_of
from gaincell.refusals import Unable, first_line


def measured(settings: Settings, machine: Machine) -> Bench:
    """All rows, with a progress bar.

    Raises
    ------
    Failed
        Two ways to compute the same differ.
    Unable
        Memory does not suffice, or the device failed.
    """
    total = measurements(settings, machine)
    try:
        with tqdm(total=total, unit="row", desc=machine.kind, disable=None) as bar:
            return bench(settings, machine, told=lambda _: bar.update() and None)
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            largest = max(settings.batches)
            own = bytes_of(settings, largest)
            authors = bytes_of(replace(settings, dtype="float32"), AUTHORS_BATCH)
            raise Unable(
                f"memory of the {machine.kind} device does not suffice: queries, keys and values "
                f"take {own / 1e9:.3g} GB at batch {largest} and {authors / 1e9:.3g} GB in the "
                "authors' setting; lower --batches, --window, --heads or --head-dim"
            ) from error
        raise Unable(first_line(error)) from error

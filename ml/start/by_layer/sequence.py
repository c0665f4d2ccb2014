"""``closed_form``: fits all layers in turn, on the stream of the converted layers before each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from gaincell.config import HeadConfig
from gaincell.ml.models.beside.digital_heads import set_digital_heads
from gaincell.ml.models.chosen_heads import Head
from gaincell.ml.models.convert import check_conversion, convert
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.start.by_layer.blocks import Block, taken_apart
from gaincell.ml.start.by_layer.fit_layer import Errors, fit_layer, pass_layer
from gaincell.ml.start.by_layer.layer_start import LayerStart
from gaincell.ml.start.by_layer.lm_head import refit_lm_head
from gaincell.ml.start.by_layer.options import StartOptions
from gaincell.ml.start.by_layer.place import place
from gaincell.ml.start.by_layer.plan import claim, fitted_windows, plan_of, positions_for
from gaincell.ml.start.needed_heads import needed_heads, probes


@torch.no_grad()
def closed_form(
    model: PreTrainedModel,
    config: HeadConfig,
    windows: Tensor,
    *,
    layers: Sequence[int] | None = None,
    options: StartOptions | None = None,
    folder: Path | None = None,
    progress: Callable[[int, Errors | None], None] | None = None,
) -> Any:
    """Put layers of a trained model on the hardware without training it; the model is changed.

    Parameters
    ----------
    model : of a class in ``gaincell.ml.models.families``, not converted yet; bfloat16 and float16
        are fitted in float32, and written back in the model's type
    windows : (W, T) tokens of text, W >= 2; more of them fit better
    layers : numbers of the layers to convert, all by default
    folder : keeps the start of each layer; a start that is there already is not computed again
    progress : called after each layer with its number and its errors (None: taken from the folder)

    Returns
    -------
    The model, now a ``HardwareModel``.

    Raises
    ------
    TypeError, ValueError
        As ``convert``; windows of another shape; a folder of another model, text or options.
    """
    options = (options or StartOptions()).settled(config)
    if windows.dim() != 2 or len(windows) < 2 or windows.shape[1] < 3:
        raise ValueError(
            f"windows has shape {tuple(windows.shape)}, but must be (W, T) with at least 2 windows "
            "of 3 tokens: one part fits, the other chooses the penalties"
        )
    if isinstance(model, HardwareModel):
        raise ValueError(
            "the model is on hardware already: start from the original one, or adapt its scalers "
            "with --init ranges or matching"
        )
    chosen = sorted(range(model.config.num_hidden_layers) if layers is None else set(layers))
    check_conversion(model, config, "hardware", chosen)
    digital = _digital_heads(model, chosen, options)
    if folder is not None:
        plan = plan_of(model, config, windows, options) | {"choice of layers": chosen}
        claim(folder, "plan.json", plan)
    training = model.training
    model.eval()
    try:
        with _new_tensors_on(model.device):
            positions = positions_for(model, windows, options)
            with taken_apart(model, windows, positions) as (stream, blocks):
                starts, student, teacher = _fit_layers(
                    blocks, stream, config, chosen, options, folder, progress
                )
            convert(model, config, "hardware", chosen)
            for layer, start in starts.items():
                place(model, layer, start)
            if options.refit == "lm_head":
                refit_lm_head(model, student, teacher, fitted_windows(len(windows), options))
            if isinstance(digital, int) and digital:
                digital = needed_heads(model, probes(windows), digital)
            if digital:
                set_digital_heads(model, digital)
    finally:
        model.train(training)
    return model


def _digital_heads(
    model: PreTrainedModel, chosen: Sequence[int], options: StartOptions
) -> int | list[Head]:
    """How many heads of the chosen layers shall be digital, or which.

    Raises
    ------
    ValueError
        A head is not there, or there are fewer.
    """
    each = model.config.num_attention_heads
    heads = len(chosen) * each
    asked = options.digital(heads)
    if isinstance(asked, int):
        if asked > heads:
            raise ValueError(f"digital_heads is {asked}, but the layers have {heads} heads")
        return asked
    for layer, head in asked:
        if layer not in chosen or not 0 <= head < each:
            raise ValueError(
                f"digital_heads names {layer}:{head}, but heads are 0..{each - 1} of the layers "
                "that are converted"
            )
    return sorted(set(asked))


def _new_tensors_on(device: torch.device) -> AbstractContextManager[Any]:
    """A context in which tensors are made on a model's device unless the code names another."""
    return nullcontext() if device.type == "cpu" else device


def _fit_layers(
    blocks: Sequence[Block],
    stream: Tensor,
    config: HeadConfig,
    chosen: Sequence[int],
    options: StartOptions,
    folder: Path | None,
    progress: Callable[[int, Errors | None], None] | None,
) -> tuple[dict[int, LayerStart], Tensor, Tensor]:
    """Starts of the chosen layers, and the last streams of the converted and the original model."""
    fitted = fitted_windows(len(stream), options)
    teacher = student = stream
    starts: dict[int, LayerStart] = {}
    for layer, block in enumerate(blocks):
        teacher = pass_layer(block, config, None, teacher)
        if layer not in chosen:
            student = pass_layer(block, config, None, student) if starts else teacher
            continue
        path = None if folder is None else folder / f"layer-{layer:03}.safetensors"
        generator = torch.Generator().manual_seed(options.seed * 1000 + layer)
        if path is not None and path.is_file():
            starts[layer], errors = LayerStart.load(path, options.newest, stream.device), None
            student = pass_layer(block, config, starts[layer], student)
        else:
            starts[layer], errors, student = fit_layer(
                block, config, student, teacher, fitted, options, generator
            )
            if path is not None:
                starts[layer].save(path)
        if progress is not None:
            progress(layer, errors)
        if layer == chosen[-1] and options.refit != "lm_head":
            break
    return starts, student, teacher

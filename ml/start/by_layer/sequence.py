"""``closed_form``: fits all layers in turn, on the stream of the converted layers before each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from gaincell.config import HeadConfig
from gaincell.files import replacing
from gaincell.ml.evaluate.limits import positions_of
from gaincell.ml.models.convert import check_conversion, convert
from gaincell.ml.models.families import family_of
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings
from gaincell.ml.start.by_layer.blocks import Block, taken_apart
from gaincell.ml.start.by_layer.fit_layer import Errors, fit_layer, pass_layer
from gaincell.ml.start.by_layer.layer_start import LayerStart
from gaincell.ml.start.by_layer.lm_head import refit_lm_head
from gaincell.ml.start.by_layer.options import StartOptions
from gaincell.ml.start.by_layer.place import place

NAMES = ("_name_or_path", "architectures", "transformers_version", "attn_implementation")
"""Entries of a model's config that do not change what it computes."""


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
    options = options or StartOptions()
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
    if folder is not None:
        _claim(folder, model, config, windows, options)
    training = model.training
    model.eval()
    try:
        with _new_tensors_on(model.device):
            positions = _positions(model, windows, options)
            with taken_apart(model, windows, positions) as (stream, blocks):
                starts, student, teacher = _fit_layers(
                    blocks, stream, config, chosen, options, folder, progress
                )
            convert(model, config, "hardware", chosen)
            for layer, start in starts.items():
                place(model, layer, start)
            if options.refit == "lm_head":
                refit_lm_head(model, student, teacher, _fitted(len(windows), options))
    finally:
        model.train(training)
    return model


def _new_tensors_on(device: torch.device) -> AbstractContextManager[Any]:
    """A context in which tensors are made on a model's device unless the code names another."""
    return nullcontext() if device.type == "cpu" else device


def _positions(model: Any, windows: Tensor, options: StartOptions) -> Tensor | None:
    """Positions (W,) at which the windows begin; None: 0.

    Rotary positions turn queries and keys before the maps see them. Maps that have seen one range
    of positions only are useless in another.
    """
    if family_of(model).packed is not None:
        return None
    most = positions_of(model)
    last = options.farthest if most is None else min(options.farthest, most - windows.shape[1])
    generator = torch.Generator().manual_seed(options.seed)
    return torch.randint(max(0, last) + 1, (len(windows),), generator=generator, device="cpu")


def _fitted(windows: int, options: StartOptions) -> int:
    """How many windows are fitted; the others choose the penalties."""
    return windows - max(1, round(options.held_out * windows))


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
    fitted = _fitted(len(stream), options)
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
            starts[layer], errors = LayerStart.load(path, options.recent, stream.device), None
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


def _claim(
    folder: Path,
    model: PreTrainedModel,
    config: HeadConfig,
    windows: Tensor,
    options: StartOptions,
) -> None:
    """Write plan.json with head, options, model and text, or refuse a folder of another plan."""
    digest = sha256(windows.cpu().numpy().tobytes())
    for parameter in model.parameters():
        digest.update(parameter.detach().cpu().flatten()[:4096].float().numpy().tobytes())
    head = Settings(config, ()).as_table()["head"]
    given = model.config.to_dict()
    architecture = {name: value for name, value in given.items() if name not in NAMES}
    digest.update(json.dumps(architecture, sort_keys=True, default=str).encode())
    plan = json.dumps(
        {"head": head, "options": options.as_table(), "model and text": digest.hexdigest()},
        indent=1,
    )
    path = folder / "plan.json"
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name, value in json.loads(plan).items() if before.get(name) != value]
        if changed:
            raise ValueError(
                f"{folder} holds an unfinished start with another {changed[0]}: finish that one, "
                "or remove the folder"
            )
        return
    folder.mkdir(exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_text(plan + "\n", encoding="utf-8")

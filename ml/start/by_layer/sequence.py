"""``closed_form``: fits all layers in turn, on the stream of the converted layers before each."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from gaincell.config import HeadConfig
from gaincell.files import replacing
from gaincell.ml.models.convert import convert
from gaincell.ml.models.families import blocks_of, family_of, head_dim_of
from gaincell.ml.models.hardware_model import HardwareModel
from gaincell.ml.models.settings import Settings
from gaincell.ml.start.by_layer.fit_layer import Errors, fit_layer, pass_layer
from gaincell.ml.start.by_layer.layer_start import LayerStart
from gaincell.ml.start.by_layer.lm_head import refit_lm_head
from gaincell.ml.start.by_layer.options import StartOptions
from gaincell.ml.start.by_layer.place import place


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
    model : of a class in ``gaincell.ml.models.families``, not converted yet, float32, in
        evaluation mode
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
        As ``convert``; windows of another shape; a softmax scale other than 1 / sqrt(D); a folder
        of another model, text or options.
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
    _check_scale(model)
    chosen = sorted(range(model.config.num_hidden_layers) if layers is None else set(layers))
    training = model.training
    model.eval()
    convert(model, config, "stock", chosen)  # checks all, changes nothing that is computed
    if folder is not None:
        _claim(folder, model, config, windows, options)
    fitted = len(windows) - max(1, round(options.held_out * len(windows)))
    teacher = family_of(model).first_stream(model, windows.to(model.device))
    student = teacher
    starts: dict[int, LayerStart] = {}
    for layer, block in enumerate(blocks_of(model)):
        if not starts and layer not in chosen:
            teacher = student = pass_layer(block, config, None, teacher)
            continue
        teacher = pass_layer(block, config, None, teacher)
        if layer in chosen:
            path = None if folder is None else folder / f"layer-{layer:03}.safetensors"
            generator = torch.Generator().manual_seed(options.seed * 1000 + layer)
            if path is not None and path.is_file():
                starts[layer], errors = LayerStart.load(path), None
                student = pass_layer(block, config, starts[layer], student)
            else:
                starts[layer], errors, student = fit_layer(
                    block, config, student, teacher, fitted, options, generator
                )
                if path is not None:
                    starts[layer].save(path)
            if progress is not None:
                progress(layer, errors)
        else:
            student = pass_layer(block, config, None, student)
        if layer == chosen[-1] and options.refit != "lm_head":
            break
    convert(model, config, "hardware", chosen)
    for layer, start in starts.items():
        place(model, layer, start)
    if options.refit == "lm_head":
        refit_lm_head(model, student, teacher, fitted)
    return model.train(training)


def _check_scale(model: PreTrainedModel) -> None:
    """Refuse a softmax scale other than 1 / sqrt(D): the maps are fitted to that one."""
    dims = head_dim_of(model.config)
    for layer, module in enumerate(family_of(model).attention_layers(model)):
        scale = getattr(module, "scaling", None)
        if scale is not None and not math.isclose(scale, dims**-0.5, rel_tol=1e-6):
            raise ValueError(
                f"layer {layer} scales its softmax by {scale:g}, but the closed-form start fits "
                f"1 / sqrt({dims}) = {dims**-0.5:g}: use --init ranges"
            )


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

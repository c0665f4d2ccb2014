"""Perplexity of a language model whose layers are on the point's head."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.sweep.inputs import InputFile, files_at, model_at
from gaincell.sweep.point import Point
from gaincell.sweep.settings import ModelSettings

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Inputs:
    config: HeadConfig | None
    """None: the model stays as it was saved."""
    faults: Faults
    seed: int
    """Of the faults."""
    model: str
    files: tuple[InputFile, ...]
    texts: tuple[InputFile, ...]
    fit_texts: tuple[InputFile, ...]
    settings: ModelSettings


def inputs_of(point: Point) -> Inputs:
    """What the perplexity at a point depends on.

    Raises
    ------
    ValueError
        No model or no texts, or a file that is not there.
    """
    own = point.model
    if own.model is None or not own.texts:
        raise ValueError("perplexity needs model and texts in [model]")
    if own.init != "none" and not own.fit_texts:
        raise ValueError(f'fit_texts in [model] is missing: init "{own.init}" is fitted on texts')
    name, files = model_at(own.model, point.folder)
    return Inputs(
        config=None if own.init == "none" else point.config,
        faults=point.faults if own.faults else Faults(),
        seed=point.tokens.seed,
        model=name,
        files=files,
        texts=files_at(own.texts, point.folder),
        fit_texts=files_at(own.fit_texts, point.folder) if own.init != "none" else (),
        settings=own,
    )


def measure(inputs: Inputs) -> dict[str, Any]:
    """Perplexity over all texts, and of how many tokens; and what the start made of the model.

    ``over_stock`` has two figures of each window, in nats per token: by how much the loss is
    larger than the model's before its start, and the KL divergence of that model's next-token
    distribution to this one's. A model that stays as it was saved has none.
    """
    from gaincell.ml.evaluate.perplexity import Score
    from gaincell.ml.models.faults import set_faults
    from gaincell.ml.models.hardware_model import HardwareModel

    own = inputs.settings
    loaded, tokenizer = _loaded(inputs.model, inputs.files)
    model = deepcopy(loaded)
    texts = [_windows(each, own, own.windows, model, tokenizer) for each in inputs.texts]
    windows = [window for text in texts for window in text]
    stock = None
    if inputs.config is not None:
        stock = _stock(inputs.model, inputs.files, inputs.texts, own)
        _start(model, tokenizer, inputs)
    if inputs.faults != Faults():
        if not isinstance(model, HardwareModel):
            raise ValueError("a stock model has no arrays that could have faults")
        set_faults(model, inputs.faults, inputs.seed)
    nats, over_stock = 0.0, []
    for number, window in enumerate(windows):
        losses, stream = _read(model, window)
        nats += float(losses.sum())
        if stock is not None:
            before, original = stock[number]
            lost = float((losses - before).mean()), _divergence(model, original, stream)
            over_stock.append(lost)
    whole = Score(nats, sum(len(window) - 1 for window in windows))
    return {"perplexity": whole.perplexity, "tokens": whole.tokens, "over_stock": over_stock}


@lru_cache(maxsize=1)
def _loaded(name: str, files: tuple[InputFile, ...]) -> tuple[Any, Any]:
    """The model as it was saved, and its tokenizer: loaded once for all points of a worker."""
    from gaincell.ml.models.load import load_model

    return load_model(name)


@lru_cache(maxsize=1)
def _stock(
    name: str, files: tuple[InputFile, ...], texts: tuple[InputFile, ...], own: ModelSettings
) -> list[tuple[Tensor, Tensor]]:
    """``_read`` of each window by the model before its start: once for all points of a worker."""
    model, tokenizer = _loaded(name, files)
    cut = [_windows(each, own, own.windows, model, tokenizer) for each in texts]
    return [_read(model, window) for text in cut for window in text]


def _read(model: Any, window: Tensor) -> tuple[Tensor, Tensor]:
    """Losses (T - 1,), nats, of a window (T,); and the stream (T, E) before its last projection."""
    from gaincell.ml.evaluate.perplexity import losses_of

    streams: list[Tensor] = []
    last = model.get_output_embeddings()
    hook = last.register_forward_pre_hook(lambda _, inputs: streams.append(inputs[0][0]))
    try:
        losses = losses_of(model, window)
    finally:
        hook.remove()
    return losses, streams[0]


def _divergence(model: Any, original: Tensor, stream: Tensor) -> float:
    """KL divergence in nats per token of two streams (T, E) before the last projection.

    No start of a sweep moves that projection.
    """
    import torch

    with torch.no_grad():
        p, q = (model.get_output_embeddings()(x).log_softmax(1) for x in (original, stream))
        return float((p.exp() * (p - q)).sum(1).double().mean())


def _windows(
    text: InputFile, own: ModelSettings, count: int | None, model: Any, tokenizer: Any
) -> Any:
    """Windows of tokens (W, T) of one text."""
    from gaincell.ml.evaluate.limits import check_length
    from gaincell.ml.evaluate.perplexity import windows_of
    from gaincell.ml.evaluate.text_tokens import tokens_of

    check_length(model, own.window, f"[model] window is {own.window}")
    ids = tokens_of(Path(text.path), tokenizer, model)
    return windows_of(ids[own.skip :], own.window, count, text.path)


def _start(model: Any, tokenizer: Any, inputs: Inputs) -> None:
    """Put the model on the arrays by the start of its settings."""
    from gaincell.ml.evaluate.perplexity import in_turn
    from gaincell.ml.models.convert import check_conversion, convert
    from gaincell.ml.start import StartOptions, closed_form
    from gaincell.ml.start.ranges import fit_ranges

    own, config = inputs.settings, inputs.config
    assert config is not None
    check_conversion(model, config, "hardware", own.layers)
    texts = [_windows(each, own, None, model, tokenizer) for each in inputs.fit_texts]
    windows = in_turn(texts, own.fit_windows)
    if own.init == "ranges":
        convert(model, config, "hardware", own.layers)
        fit_ranges(model, windows)
        return
    options = StartOptions(
        recent=own.recent,
        align_tokens=own.align_tokens,
        digital_heads=own.digital_heads,
        seed=own.seed,
    )
    closed_form(model, config, windows, layers=own.layers, options=options)

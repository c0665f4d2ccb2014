"""Perplexity of a language model whose layers are on the point's head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.sweep.inputs import InputFile, files_at, model_at
from gaincell.sweep.point import Point
from gaincell.sweep.settings import ModelSettings


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
        faults=point.faults,
        seed=point.tokens.seed,
        model=name,
        files=files,
        texts=files_at(own.texts, point.folder),
        fit_texts=files_at(own.fit_texts, point.folder) if own.init != "none" else (),
        settings=own,
    )


def measure(inputs: Inputs) -> dict[str, Any]:
    """Perplexity over all texts, and of how many tokens."""
    from gaincell.ml.evaluate.perplexity import Score, perplexity
    from gaincell.ml.models.faults import set_faults
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.load import load_model

    own = inputs.settings
    model, tokenizer = load_model(inputs.model)
    scored = [_windows(each, own, own.windows, model, tokenizer) for each in inputs.texts]
    if inputs.config is not None:
        _start(model, tokenizer, inputs)
    if inputs.faults != Faults():
        if not isinstance(model, HardwareModel):
            raise ValueError("a stock model has no arrays that could have faults")
        set_faults(model, inputs.faults, inputs.seed)
    scores = [perplexity(model, windows) for windows in scored]
    whole = Score(sum(each.nats for each in scores), sum(each.tokens for each in scores))
    return {"perplexity": whole.perplexity, "tokens": whole.tokens}


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
        recent=own.recent, align_tokens=own.align_tokens, digital_heads=own.digital_heads
    )
    closed_form(model, config, windows, layers=own.layers, options=options)

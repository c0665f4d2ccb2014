"""The folder that the run needs: the plan, the model, the texts as tokens, and wheels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaincell.config import HeadConfig
from gaincell.config_file import config_to_toml
from gaincell.gpu_run.pieces import LARGEST, cut
from gaincell.gpu_run.places import LEARNED, SLIM
from gaincell.gpu_run.plan import PLAN, load_plan
from gaincell.gpu_run.slim import write_slim
from gaincell.inputs.model_places import place_of
from gaincell.ml.finetune.data.sources import (
    text_tokens,
    tokenizer_name,
    tokens_of,
    vocabulary_of,
)
from gaincell.ml.finetune.data.token_file import write_tokens
from gaincell.ml.finetune.settings import Source
from gaincell.ml.models.load import load_model, load_tokenizer
from gaincell.versions import revision

HEAD = "head.toml"
GAIN = HeadConfig(score_saturation=40.0, output_saturation=10.0)
"""The head unless the plan's folder has another: more gain than the paper's."""
WHEELS = "wheels"


def prepare(
    output: Path,
    *,
    model: str,
    learned: Sequence[Path] | Path,
    scored: Mapping[str, Path],
    plan: Path | None = None,
    wheels: Path | None = None,
    largest: int = LARGEST,
) -> list[Path]:
    """Write the pieces of the folder to ``output``.

    Parameters
    ----------
    model : a folder, a .gguf file or "smollm2"
    learned : text files to fit and train on, or one token file that ``write_tokens`` wrote
    scored : text files that nothing is fitted on, by name
    plan : a plan, with the heads that it names beside it; None: the defaults
    wheels : folder of wheels that the GPU's machine lacks

    Raises
    ------
    TypeError, ValueError
        A file cannot be read, or a text has a name with other characters than a-z, 0-9 and -.
    """
    wrong = [name for name in scored if not name.replace("-", "").isalnum() or name != name.lower()]
    if wrong:
        raise ValueError(f'text name "{wrong[0]}" must be of a-z, 0-9 and - only')
    if not (learned and scored):
        raise ValueError("texts to learn from and texts to score are both needed")
    with TemporaryDirectory(dir=output.parent) as work:
        folder = Path(work) / "prepared"
        folder.mkdir()
        name = _copy_model(model, folder)
        _copy_plan(plan, name, folder)
        tokenizer = load_tokenizer(folder / name)
        about: dict[str, Any] = {"revision": revision() or "unknown", "texts": {}}
        vocabulary, own = vocabulary_of(tokenizer), tokenizer_name(tokenizer)
        sources = {f"scored-{text}.bin": [path] for text, path in scored.items()}
        if isinstance(learned, Path):
            ready = tokens_of(Source(token_file=str(learned)), tokenizer, vocabulary)
            pieces = {LEARNED: iter([np.asarray(ready, dtype=np.int64)])}
            names = {LEARNED: [learned.name]}
        else:
            sources[LEARNED] = list(learned)
            pieces, names = {}, {}
        pieces |= {file: _tokens(paths, tokenizer) for file, paths in sources.items()}
        names |= {file: [path.name for path in paths] for file, paths in sources.items()}
        for file, tokens in pieces.items():
            written = write_tokens(folder / file, tokens, vocabulary, own)
            about["texts"][file] = {"files": names[file], "tokens": written.tokens}
        if wheels is not None:
            shutil.copytree(wheels, folder / WHEELS)
        (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        return cut(folder, output, largest)


def _copy_model(model: str, folder: Path) -> str:
    """A model's folder in ``folder``, and its name there; its weights in GGUF stay as they are."""
    where, file = place_of(model)
    if file is not None:
        whole, tokenizer = load_model(model)
        whole.config.save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        write_slim(Path(where) / file, folder / "model" / SLIM)
        return "model"
    if not Path(where).is_dir():
        raise ValueError(f"model {model} is neither a folder nor a file here: fetch it first")
    shutil.copytree(where, folder / "model")
    return "model"


def _copy_plan(plan: Path | None, model: str, folder: Path) -> None:
    """plan.toml with the copied model's name, and the files of its heads."""
    text = "" if plan is None else plan.read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if line.partition("=")[0].strip() != "model"]
    (folder / PLAN).write_text("\n".join([f'model = "{model}"', *kept]) + "\n", encoding="utf-8")
    found = load_plan(folder / PLAN)
    for head in (found.head, found.paper_head):
        own = None if plan is None else plan.parent / head
        if own is not None and own.is_file():
            shutil.copyfile(own, folder / head)
        elif head == HEAD:
            (folder / head).write_text(config_to_toml(GAIN), encoding="utf-8")


def _tokens(paths: Sequence[Path], tokenizer: Any) -> Iterator[NDArray[np.int64]]:
    return (text_tokens(path, tokenizer) for path in paths)

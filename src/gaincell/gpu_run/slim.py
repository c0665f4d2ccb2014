"""A GGUF file without its lists of words: to read those takes longer than to read the weights."""

from __future__ import annotations

from pathlib import Path

LISTS = tuple(f"tokenizer.ggml.{name}" for name in ("tokens", "token_type", "merges"))


def write_slim(source: Path, target: Path) -> None:
    """Copy a GGUF file's weights as they are, and all that it says but ``LISTS``."""
    from gguf import GGUFReader, GGUFValueType, GGUFWriter

    reader = GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = GGUFWriter(target, architecture)
    known = {"general.architecture", *LISTS}
    for field in reader.fields.values():
        if field.name in known or field.name.startswith("GGUF."):
            continue  # the writer's own, or a list
        kind = field.types[0]
        of_list = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=of_list)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

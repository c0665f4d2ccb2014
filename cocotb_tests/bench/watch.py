"""Parameters of ``column_watch.v``, and the faults that it finds as sentences."""

from collections.abc import Iterator
from string import Formatter

from gaincell.cocotb_tests.bench.words import status_widths
from gaincell.config import HeadConfig
from gaincell.hdl.layouts import TAGS, index_shape

WATCHED_BITS = {"fault": 8, "cycle": 32, "slot": 32, "seen": 32, "wanted": 32}
"""Fields of ``tb.watched``, highest bits first."""
UNKNOWN = (1 << 32) - 1
"""In a field of 32 bits: what was on the wires was neither 0 nor 1."""

SENTENCES = {
    1: "status_fill is {seen}, but the window holds {wanted} tokens of the sequence",
    2: "status_refreshed is {seen}, but {wanted} columns were written again with their data",
    3: "status_dropped is {seen}, but {wanted} columns were dropped",
    4: "status_worst_age is {seen}, but the visits so far make it {wanted}",
    5: "status_worst_age is {seen}, but a column was {wanted} cycles old when it was written again",
    6: "a write enable is {seen}, but must be {wanted} by the schedule",
    7: "the broadcast flag of a write is {seen}, but must be {wanted}",
    8: "a write goes to {place}, but must go to {wanted_place}",
    9: "the write of a token or of a clear has other codes than it must have",
    10: "{place} is refreshed, but {wanted_place} is under visit",
    11: "the refresh of {place} writes other codes than those of its token",
    12: "{place} is cleared, but the codes of its token came in time",
    13: "{place} is cleared {seen} cycles into its visit, before its patience of {wanted} ended",
    14: "{place} is cleared without a request for its codes",
    15: "{place} is written with codes, but must be cleared: it holds no token, or codes came late",
    16: "the request for {place} is not of the column under visit, or that column holds no token",
    17: "a request changed while it was refused",
    18: "the request for {place} has tag {seen}, but tags come in turn: {wanted} is next",
    19: "a response with tag {seen} is refused, but nothing waits for it",
    20: "{place} is asked for or written again, but its visit must skip it: it is young",
    21: "{place} is not young, but its visit ended without a write",
}


VERILOG_PLACE = "sub-tile %0d, column %0d"


def watch_parameters(config: HeadConfig) -> dict[str, int]:
    """The parameters of ``column_watch.v``: the head's sizes, its schedule, its refresh."""
    timing, plan, status = config.timing, config.retention, status_widths(config)
    parameters = {"CLEAR_CYCLES": timing.clear_cycles}
    for port in ("k_write", "v_write"):
        span = getattr(timing, port)
        parameters |= {f"{port.upper()}_START": span.start, f"{port.upper()}_END": span.end}
    return parameters | {
        "VISIT": plan.visit_cycles if plan else 0,
        "PATIENCE": plan.patience_cycles if plan else 0,
        "SEGMENT": plan.segment_visits if plan else 1,
        "AGE_BEFORE_VISIT": plan.young_cycles + plan.sweep_cycles + 1 if plan else 0,
        "WINDOW": config.window,
        "COLUMNS": config.columns,
        "SINK": config.sink,
        "TILE_BITS": index_shape(config.tiles).width,
        "COLUMN_BITS": index_shape(config.columns).width,
        "TAG_BITS": index_shape(TAGS).width,
        "FILL_BITS": status["fill"],
        "COUNTER_BITS": status["dropped"],
        "AGE_BITS": status["worst_age"],
    }


def watch_fault(watched: int, config: HeadConfig) -> str | None:
    """The first fault in ``tb.watched``, or None."""
    fields = {}
    for name, width in reversed(WATCHED_BITS.items()):
        value, watched = watched & (1 << width) - 1, watched >> width
        fields[name] = -1 if value == UNKNOWN else value
    if not fields["fault"]:
        return None
    sentence = SENTENCES[fields["fault"]].format(
        **fields,
        place=_place(fields["slot"], config),
        wanted_place=_place(fields["wanted"], config),
    )
    return f"cycle {fields['cycle']}: {sentence}"


def verilog_faults() -> Iterator[str]:
    """Cases of a Verilog statement that displays the sentence of each fault."""
    values = {
        "seen": ("%0d", "fault_seen"),
        "wanted": ("%0d", "fault_wanted"),
        "place": (VERILOG_PLACE, "fault_slot / COLUMNS, fault_slot % COLUMNS"),
        "wanted_place": (VERILOG_PLACE, "fault_wanted / COLUMNS, fault_wanted % COLUMNS"),
    }
    for fault, sentence in SENTENCES.items():
        text = sentence.format(**{name: shown for name, (shown, _) in values.items()})
        used = [name for _, name, _, _ in Formatter().parse(sentence) if name]
        arguments = "".join(f", {values[name][1]}" for name in used)
        yield f'{fault}: $display("{text}"{arguments});'


def _place(slot: int, config: HeadConfig) -> str:
    if not 0 <= slot < config.stored_columns:
        return "a column that does not exist"
    tile, column = config.place_of(slot)
    return f"sub-tile {tile}, column {column}"

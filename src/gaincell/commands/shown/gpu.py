"""What ``gaincell bench-gpu`` prints: the device, the table beside published figures, and notes."""

from gaincell.gpu_bench.figures import Figure, ours, published
from gaincell.gpu_bench.records import Bench, Row
from gaincell.text import grid, si, table


def report(bench: Bench) -> str:
    """The device and sizes of a measurement, the table, and notes."""
    rows = [["", "", "step", "lowest..highest", "step / batch", "energy / token", "above idle"]]
    rows += [_measured_cells(row) for row in bench.rows]
    rows += [_figure_cells(figure) for figure in (*published(), ours())]
    return "\n\n".join((table(_header(bench)), grid(rows), table(_notes(bench))))


def _header(bench: Bench) -> list[tuple[str, str]]:
    device, settings = bench.device, bench.settings
    name = f"{device.kind}: {device.name}"
    if device.threads is not None:
        name += ", 1 thread" if device.threads == 1 else f", {device.threads} threads"
    sizes = f"{settings.heads} heads of {settings.head_dim}, window {settings.window}"
    rows = [("device", name), ("torch", bench.versions["torch"])]
    if device.kind == "cuda":
        rows.append(("driver", device.driver or "not known"))
    rows.append(("one new token", f"{sizes}, {settings.dtype}, seed {settings.seed}"))
    if bench.idle_power_w is not None:
        rows.append(("idle power", f"{bench.idle_power_w:.4g} W"))
    return rows


def _measured_cells(row: Row) -> list[str]:
    cells = [
        row.case,
        row.label,
        si(row.median_s, "s"),
        f"{si(min(row.repeats_s), 's')}..{si(max(row.repeats_s), 's')}",
        si(row.per_token_s, "s"),
    ]
    if row.energy is None:
        return [*cells, "-", "-"]
    per_token, above = row.energy.per_token_j, row.energy.per_token_above_idle_j
    return [*cells, si(per_token, "J"), si(above, "J")]


def _figure_cells(figure: Figure) -> list[str]:
    heads = "1 head" if figure.heads == 1 else f"{figure.heads} heads"
    energy = "-" if figure.energy_j is None else si(figure.energy_j, "J")
    energies = ["-", energy] if figure.above_idle else [energy, "-"]
    latency = si(figure.latency_s, "s")
    divided = ["-", "-", latency] if figure.above_idle else [latency, "-", latency]
    return [f"{figure.case}, {heads}", figure.label, *divided, *energies]


def _notes(bench: Bench) -> list[tuple[str, str]]:
    copies = {f"{row.copies} at batch {row.batch}": None for row in bench.rows if not row.authors}
    notes = [
        (
            "step",
            "one new token of each sequence of the batch: median of "
            f"{len(bench.rows[0].repeats_s)} repeats",
        ),
        ("step / batch", "a throughput's inverse; no token is ready after it"),
        ("copies", f"of queries, keys and values, used in turn: {', '.join(copies)}"),
        (
            "authors' setting",
            "host clock without synchronisation, divided by the batch, float32; the query sees "
            "one key, or all without softmax",
        ),
    ]
    return notes + [("note", note) for note in bench.notes]

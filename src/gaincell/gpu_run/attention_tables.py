"""Tables of attention alone, from the records of the parts "attention" and "bench"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gaincell.gpu_run.records import Record, Records
from gaincell.text import markdown

EXACT_HEAD = ("head", "inputs", "codes", "kernel: differ", "torch op: differ", "kernel: gradients")
TIME_HEAD = (
    *("batch", "heads", "tokens", "", "forward, ms", "with backward, ms"),
    *("kernels alone, ms", "peak, MB"),
)
DECODE_HEAD = (
    *("sequences", "heads", "window", "a token's step, µs", "two launches, µs"),
    "reading its codes once, µs",
)
BENCH_HEAD = ("one token of all heads", "batch", "step, µs", "per token, µs", "energy, mJ")


def attention_tables(records: Records) -> list[str]:
    """Exactness and times of the kernels, then decoding in softmax; none of a part not done."""
    found: list[str] = []
    rows = _figures(records, "attention").get("rows")
    if isinstance(rows, Mapping) and "exactness" in rows:
        found.append(markdown(EXACT_HEAD, [_exact_row(row) for row in rows["exactness"]]))
        found.append(markdown(TIME_HEAD, [_time_row(row) for row in rows["times"]]))
        found.append(markdown(DECODE_HEAD, [_decode_row(row) for row in rows["decoding"]]))
        peaks = rows["peaks"]
        found.append(
            f"Measured peaks of the card: {peaks['bytes_per_s'] / 1e12:.2f} TB/s copied, read and "
            f"written, and {peaks['flop_per_s'] / 1e12:.0f} TFLOP/s of float16 products."
        )
    step = _figures(records, "step")
    if step:
        head = f"{step['batch']} x {step['tokens']} tokens, GPT-2 small", "step, ms", "peak, GB"
        found.append(markdown(head, [_step_row(way, step) for way in step["seconds"]]))
    bench = _figures(records, "bench").get("rows")
    if bench:
        found.append(markdown(BENCH_HEAD, [_bench_row(row) for row in bench]))
    return found


def _figures(records: Records, name: str) -> Mapping[str, Any]:
    record: Record | None = records.get(name)
    return {} if record is None or record.state != "done" else record.figures


def _exact_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    kernel, torch_op = row["triton"], row["torch"]
    return (
        f"{row['head']}, {row['backward']} gradient",
        row["dtype"],
        f"{kernel['codes']:,}",
        *(f"{way['differ']} (by at most {way['most']:.0f})" for way in (kernel, torch_op)),
        f"{max(kernel['gradients']):.1e}",
    )


def _time_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    sizes = str(row["batch"]), str(row["heads"]), str(row["tokens"]), row["operation"]
    if "error" in row:
        return (*sizes, row["error"], "", "", "")
    times = (_time(row.get(name)) for name in ("forward_ms", "both_ms", "device_ms"))
    return (*sizes, *times, f"{row['peak_mb']:.0f}")


def _decode_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    sizes = (str(row[name]) for name in ("batch", "heads", "window"))
    times = (_time(row.get(name), 1e3) for name in ("step_ms", "launches_ms", "read_ms"))
    return (*sizes, *times)


def _time(milliseconds: float | None, scale: float = 1.0) -> str:
    return "not measured" if milliseconds is None else f"{milliseconds * scale:.2f}"


def _step_row(way: str, step: Mapping[str, Any]) -> tuple[str, ...]:
    peak = step["peak_gb"][way]
    return way, f"{step['seconds'][way] * 1e3:.1f}", "" if peak is None else f"{peak:.1f}"


def _bench_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    energy = row["energy"]
    return (
        f"{row['operation']}, {row['way']}, {row['dtype']}",
        str(row["batch"]),
        f"{row['median_s'] * 1e6:.2f}",
        f"{row['per_token_s'] * 1e6:.3g}",
        "" if energy is None else f"{energy['per_token_j'] * 1e3:.3g}",
    )

"""Times of attention as LLMServingSim's profiles hold them: ``attention.csv``, microseconds.

Columns and layout are those of its profiler's documentation: one row for each batch of a
prefilled chunk and decoding sequences. Every sequence has arrays of its own, so that sequences
do not wait for each other, and all heads of a layer work at once.
"""

from collections.abc import Iterator

from gaincell.exports.figures import HeadFigures

HEADS = ("prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us")
LEAST, MOST_CHUNK, MOST_SEQUENCES, MOST_TOKENS = 16, 2048, 256, 16384
"""Ends of the grid, which doubles in between, as the profiler's own does. Chunks begin at 1: the
simulator draws straight lines between rows, and these times are one from there on."""


def attention_us(figures: HeadFigures, chunk: int, sequences: int) -> float:
    """Time of one layer's attention over ``chunk`` new tokens of one text, and others' one each.

    Tokens of a chunk follow each other by the initiation interval. Neither depends on how many
    tokens are stored: all columns are read at once, and the window ends what is seen.
    """
    if chunk:
        return (figures.latency_s + (chunk - 1) * figures.interval_s) * 1e6
    return figures.latency_s * 1e6 if sequences else 0.0


def rows(figures: HeadFigures) -> Iterator[tuple[int, int, int, int, float]]:
    """All rows of the table under ``HEADS``."""
    kept = [0, *_doubled(LEAST, MOST_TOKENS)]
    for chunk in (0, *_doubled(1, MOST_CHUNK)):
        for sequences in (0, *_doubled(1, MOST_SEQUENCES)):
            if not chunk and not sequences:
                continue
            for before in kept if chunk else [0]:
                for stored in kept[1:] if sequences else [0]:
                    time_us = attention_us(figures, chunk, sequences)
                    yield chunk, before, sequences, stored, round(time_us, 6)


def _doubled(first: int, last: int) -> list[int]:
    return [first << times for times in range((last // first).bit_length())]

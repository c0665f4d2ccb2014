"""The contract read aloud: one token, one cell, one sample at a time, in plain Python.

Written from docs/understand/contract.md alone, to be compared with the models that users run.
"""

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from gaincell.config import HeadConfig

TIE = 1e-9


@dataclass
class Answers:
    """Per query: codes of the sub-tiles (tiles, D), their sums (D,), scores by slot; and ties.

    ``leading`` is the shape of all queries: (T,), or (T, G) where tokens carry several.
    """

    leading: tuple[int, ...]
    y_code: list[list[int]] = field(default_factory=list)
    tile_code: list[list[list[int]]] = field(default_factory=list)
    score: list[dict[int, float]] = field(default_factory=list)
    ties: int = 0


def charge(config: HeadConfig, volts: float, gamma: float) -> float:
    """Charge of a full pulse on a cell written with ``volts`` of which ``gamma`` remains."""
    centred = (volts - config.center_v) * gamma
    return sum(a * centred**i for i, a in enumerate(config.cell_coefficients))


def code_of(relative: float, n: int) -> tuple[int, bool]:
    """Signed count of the samples a pulse of ``relative`` length reaches, and whether it is near
    a tie."""
    o = max(-1.0, min(1.0, relative))
    count = 0
    for i in range(n):
        if n * abs(o) >= i + 0.5:
            count += 1
    distance = min(abs(n * abs(o) - (i + 0.5)) for i in range(n))
    return (-count if o < 0 else count), distance < TIE


class LiteralHead:
    """Columns of the ring and of the sink as dicts from slot to (token, time of the write).

    ``q`` (T, D) or (T, G, D) is taken as a list of queries, ``group`` to a token.
    """

    def __init__(self, q_code, k_code, v_code, config: HeadConfig) -> None:
        self.group = q_code.shape[1] if q_code.ndim == 3 else 1
        self.q = [query for token in q_code for query in token.reshape(self.group, -1).tolist()]
        self.k, self.v = k_code.tolist(), v_code.tolist()
        self.config = config
        self.k_held: dict[int, tuple[int, float]] = {}
        self.v_held: dict[int, tuple[int, float]] = {}
        self.scored: deque[dict[int, tuple[int, float]]] = deque()
        self.answers = Answers(q_code.shape[:-1])

    def score(self, now: float, unit_s: float) -> None:
        """QK of the next query at ``now``, in units of ``unit_s``."""
        config = self.config
        query = self.q[len(self.answers.score)]
        scored = {}
        self.answers.score.append({})
        for slot, (held, since) in self.k_held.items():
            gamma = math.exp(-(now - since) * unit_s / config.retention_s)
            s = 0.0
            for r in range(config.head_dim):
                x = query[r] / ((1 << config.query_bits) - 1)
                volts = config.full_scale_v * self.k[held][r] / ((1 << config.key_bits) - 1)
                s += x * charge(config, volts, gamma)
            self.answers.score[-1][slot] = s / config.s_sat
            scored[slot] = (held, max(0.0, min(1.0, s / config.s_sat)))
        self.scored.append(scored)

    def answer(self, now: float, unit_s: float) -> None:
        """AV and OUT of the first query scored and not answered yet, AV at ``now``."""
        config = self.config
        n = (1 << config.readout_bits) - 1
        tiles = config.window // config.columns + (1 if config.sink else 0)
        charges = [[0.0] * config.head_dim for _ in range(tiles)]
        for slot, (token, phi) in self.scored.popleft().items():
            held, since = self.v_held.get(slot, (None, 0.0))
            if held != token:
                continue
            gamma = math.exp(-(now - since) * unit_s / config.retention_s)
            for r in range(config.head_dim):
                volts = config.full_scale_v * self.v[held][r] / ((1 << config.value_bits) - 1)
                charges[slot // config.columns][r] += phi * charge(config, volts, gamma)
        codes = []
        for row in charges:
            read = [code_of(value / config.a_sat, n) for value in row]
            codes.append([code for code, _ in read])
            self.answers.ties += sum(near for _, near in read)
        self.answers.tile_code.append(codes)
        self.answers.y_code.append([sum(column) for column in zip(*codes, strict=True)])


def literal_answers(q_code, k_code, v_code, config: HeadConfig, first=None) -> Answers:
    """Every token written once, never refreshed; age in accepted tokens, not in queries."""
    head = LiteralHead(q_code, k_code, v_code, config)
    position = 0
    for token in range(len(k_code)):
        if token == 0 or (first is not None and first[token]):
            position = 0
            head.k_held.clear()
            head.v_held.clear()
        slot = config.window + position if position < config.sink else position % config.window
        head.k_held[slot] = head.v_held[slot] = (token, token)
        for _ in range(head.group):
            head.score(token, config.token_s)
            head.answer(token, config.token_s)
        position += 1
    return head.answers


def literal_answers_to_events(q_code, k_code, v_code, config: HeadConfig, events) -> Answers:
    """What the event log says happened, one event after the other."""
    head = LiteralHead(q_code, k_code, v_code, config)
    in_cycles = config.age_mode == "time"
    unit_s = config.clock_s if in_cycles else config.token_s
    newest = {"K": 0, "V": 0}
    for cycle, array, kind, slot, token in events.tolist():
        held = head.k_held if array == "K" else head.v_held
        if kind == "read" and array == "K":
            head.score(cycle if in_cycles else token, unit_s)
        elif kind == "read":
            head.answer(cycle if in_cycles else token, unit_s)
        elif kind == "clear" and slot == -1:
            held.clear()
        elif kind == "clear":
            held.pop(slot, None)
        else:
            if kind == "write":
                newest[array] = token
            held[slot] = (token, cycle if in_cycles else newest[array])
    return head.answers


def as_arrays(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """y (T, [G,] D) and the codes of the sub-tiles (T, [G,] tiles, D)."""
    y_code, tile_code = np.array(answers.y_code), np.array(answers.tile_code)
    return (
        y_code.reshape(*answers.leading, *y_code.shape[1:]),
        tile_code.reshape(*answers.leading, *tile_code.shape[1:]),
    )

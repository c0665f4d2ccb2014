"""Figures and contradictions of the reproduction ledger, computed a second time from elsewhere."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from gaincell.behavioral.attention import attend
from gaincell.behavioral.tokens import shipped_tokens
from gaincell.cell import CUBIC
from gaincell.config import HeadConfig
from gaincell.ledger.tiles import moved_by_position
from gaincell.ledger.verdict import read_ledger

ENTRIES = Path(__file__).parents[2] / "docs" / "evidence" / "reproduction.toml"


@pytest.fixture(scope="module")
def ledger():
    return read_ledger(ENTRIES)


@pytest.fixture(scope="module")
def rows(ledger):
    return {row.entry.id: row for row in ledger.rows}


@pytest.fixture(scope="module")
def contradictions(ledger):
    return {each.id: " ".join([*each.arithmetic, each.so]) for each in ledger.contradictions}


def test_power_over_the_latency_is_not_the_energy(contradictions):
    energy_j = 113.7e-3 * 65e-9
    assert energy_j == pytest.approx(7.39e-9, abs=5e-12)
    assert "113.7 mW for 65 ns are 7.4 nJ, not 4 nJ" in contradictions["power-and-energy"]
    assert "are 35 ns, not 65 ns" in contradictions["power-and-energy"]


def test_a_batch_of_64_waits_for_64_times_as_long(contradictions):
    assert "22.37 µs x 64 = 1432 µs" in contradictions["gpu-baseline"]
    assert "7.178 mJ in 22.37 µs are 321 W" in contradictions["gpu-baseline"]


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_causal_attention_of_one_query_sees_the_first_key_only():
    import torch

    q, k, v = torch.randn(3, 1, 1, 8, 4, generator=torch.Generator().manual_seed(1))
    seen = torch.nn.functional.scaled_dot_product_attention(q[:, :, :1], k, v, is_causal=True)
    torch.testing.assert_close(seen, v[:, :, :1])


def test_levels_rounded_to_steps_of_two_31sts_are_33_codes(contradictions):
    outputs = np.linspace(-1, 1, 10_001)
    codes = np.unique(np.round(outputs * 31 / 2))
    assert len(codes) == 33
    assert codes.max() * 2 / 31 == pytest.approx(1.032, abs=5e-4)
    assert "-16..16 are 33 codes, and reach ±1.032" in contradictions["levels"]


def test_a_window_at_the_trained_decay_outlives_half_a_step(contradictions):
    window_s, bound_s = 1024 * 0.8e-6, -5e-3 * math.log(1 - 1 / 7)
    assert window_s > bound_s == pytest.approx(HeadConfig().bound_cycles * 1e-9, abs=1e-9)
    text = contradictions["window-outlives"]
    assert f"= {bound_s * 1e3:.3f} ms" in text
    assert f"are {window_s * 1e3:.3f} ms" in text
    assert f"moved by {(1 - math.exp(-window_s / 5e-3)) / 2:.4f}, more than {1 / 14:.4f}" in text


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_tiles_by_position_move_as_torch_says(contradictions):
    import torch

    from gaincell.ml.attention import attention
    from gaincell.ml.attention.authors import ReferenceQuirks

    config, tokens = HeadConfig(), shipped_tokens(HeadConfig())
    largest = config.query_max, config.key_max, config.value_max
    pairs = zip(tokens.codes, largest, strict=True)
    units = [torch.from_numpy(codes / most)[None, None] for codes, most in pairs]
    quirks = ReferenceQuirks(half_steps=False)
    by_position = attention(*units, config, reference=quirks)[0, 0].numpy().round()
    ring = attend(*tokens.codes, config)
    assert np.array_equal(by_position[: config.window], ring[: config.window])
    change, after = (by_position - ring)[config.window :], ring[config.window :]
    moved = moved_by_position()
    assert moved.share == pytest.approx(np.mean(change != 0))
    assert moved.rms == pytest.approx(np.sqrt(np.sum(change**2) / np.sum(after**2)))
    assert f"{100 * moved.rms:.1f} % of the outputs" in contradictions["tiles"]


def test_the_cubic_is_the_papers_coefficients_at_the_supply(rows):
    c = [
        [0.17393044, 0.15653739, 0.14088365, 0.12679529],
        [5.51975209, 4.96777688, 4.4709992],
        [-1.44776001, -1.30298401],
        [46.05483778],
    ]
    contracted = [sum(each * 0.9**j for j, each in enumerate(order)) for order in c]
    assert rows["cubic-cell"].entry.paper == pytest.approx(contracted, rel=1e-9)
    assert pytest.approx(contracted, rel=1e-8) == CUBIC


# Figures that are in the authors' files


def test_differences_from_the_authors_head_are_those_of_the_file(rows, shared_file):
    with np.load(shared_file("reference_head_64x64.npz")) as arrays:
        head = {name: arrays[name].astype(np.float64) for name in arrays}
    age = np.subtract.outer(np.arange(64), np.arange(64))
    remaining = np.where(age >= 0, np.exp(-1e-4 * age), 0.0)

    def charge(volts):
        return np.polynomial.polynomial.polyval(volts - 0.45, CUBIC)

    def output(phi):
        return np.clip((phi * remaining) @ charge(head["V"]) / 40, -1, 1)

    def phi(scores):
        return np.clip(scores / 80, 0, 1) * (age >= 0)

    scores = head["Q"] @ charge(head["K"]).transpose(0, 2, 1) * remaining
    found = {
        "scores": scores - head["S"],
        "phi": phi(head["S"]) - head["phi_S"],
        "output": output(head["phi_S"]) - head["output"],
        "chain": output(phi(scores)) - head["output"],
    }
    for name, difference in found.items():
        entry = rows[f"reference-{name}"].entry
        assert entry.ours == pytest.approx(np.abs(difference).max(), rel=0.02), name
    assert rows["reference-scores"].entry.scale == pytest.approx(np.abs(head["S"]).max(), rel=1e-3)


def test_gpu_figures_are_those_of_the_file(rows, shared_file):
    found = json.loads(shared_file("gpu_reference.json").read_text())
    for name, key in (("4090", "rtx_4090"), ("jetson", "jetson_nano")):
        time_s, energy_j = (found[key][f"mean_{what}_per_token"] for what in ("latency", "energy"))
        assert rows[f"gpu-{name}-time"].entry.paper == pytest.approx(time_s * 1e6)
        assert rows[f"gpu-{name}-energy"].entry.paper == pytest.approx(energy_j * 1e3)
        assert found[key]["S"] == 64


def test_losses_are_those_of_the_file(rows, shared_file):
    curves = json.loads(shared_file("reference_training_curves.json").read_text())
    found = {label.replace("\n", " "): curve for label, curve in curves.items()}

    def loss(label, step):
        curve = found[label]
        return curve["Cross entropy loss"][curve["iterations"].index(step)]

    adapted = "Nonlinear model fine-tuned from linear model"
    expected = {
        "linear": loss("Linear model fine-tuned from GPT-2", 2900),
        "start": loss(adapted, 0),
        "nonlinear": loss(adapted, 5900),
        "direct": loss("Nonlinear model fine-tuned from GPT-2", 6000),
        "scratch": loss("Nonlinear model trained from scratch", 6200),
    }
    for name, value in expected.items():
        assert rows[f"loss-{name}"].entry.paper == pytest.approx(value, abs=5e-4), name
    saved = rows["loss-direct"].entry.paper - rows["loss-nonlinear"].entry.paper
    assert rows["figure-4"].entry.paper == pytest.approx(saved)
    for label in ("Linear model fine-tuned from GPT-2", "Nonlinear model trained from scratch"):
        assert loss(label, 0) == pytest.approx(10.98, abs=5e-3)

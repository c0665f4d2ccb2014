"""Faulty arrays in torch against those in numpy: no fault, each fault, its mean and its spread.

Each fault is run on RUNS draws of the arrays in numpy and on HEADS in torch. Means agree within 5
sigma of their difference; a sound model misses that once in 1.7 million per output, and seeds are
fixed. Standard deviations over all outputs agree within 15 %, more than 5 sigma of RUNS draws of 60
outputs even if those of one token were the same number.
"""

import numpy as np
import pytest
import torch
from driven_wires import in_one_run, one_after_the_other, played_with_faults
from token_codes import GEOMETRIES, random_codes
from torch_heads import code_tensors, truth, units

from gaincell.behavioral.control import run_arrays
from gaincell.behavioral.faults import Faults
from gaincell.config import HeadConfig
from gaincell.ml.attention import attention
from gaincell.ml.attention.faulty_arrays import FaultyArrays, drooped

SIZES = {
    "write_error_v": 0.06,
    "dac_inl_lsb": 1.0,
    "ktc_noise_v": 0.06,
    "gain_mismatch": 0.3,
    "offset_mismatch": 1.5,
    "read_noise": 1.5,
    "leak_spread": 1.0,
    "ir_drop": 0.4,
    "comparator_offset": 0.15,
    "ramp_gain_error": 0.2,
    "pulse_jitter_cycles": 1.5,
    "hold_droop_per_cycle": 0.02,
    "query_skew_cycles": 2.5,
}
CONFIG = HeadConfig(
    head_dim=5,
    window=6,
    columns=3,
    sink=2,
    retention_s=20e-6,
    score_saturation=12.0,
    output_saturation=9.0,
)
TOKENS = 12
RUNS, HEADS = 250, 4000


def test_every_fault_has_a_size_here():
    assert set(SIZES) == set(Faults.__dataclass_fields__)


@pytest.fixture(scope="module")
def codes():
    return random_codes(CONFIG, TOKENS, seed=41)


@pytest.fixture(scope="module")
def cycles(codes):
    """Wires of all cycles in which a perfect control runs the tokens: the same for any fault."""
    return in_one_run(one_after_the_other(**codes, config=CONFIG), CONFIG)


def test_the_cycles_are_those_of_the_ideal_control(codes, cycles):
    faults = Faults(gain_mismatch=0.3, read_noise=1.5, query_skew_cycles=2.5)
    for seed, y_code in enumerate(played_with_faults(cycles, CONFIG, faults, range(2))):
        rng = np.random.default_rng(seed)
        expected, _ = run_arrays(**codes, config=CONFIG, faults=faults, rng=rng)
        np.testing.assert_array_equal(y_code, expected)


def torch_outputs(codes, faults: Faults, heads: int = HEADS) -> np.ndarray:
    """(heads, T, D), each head on arrays of its own."""
    tensors = [torch.from_numpy(codes[f"{name}_code"])[None, None] for name in "qkv"]
    wide = [x.expand(1, heads, -1, -1) for x in units(tensors, CONFIG, torch.float64)]
    arrays = FaultyArrays(CONFIG, faults, heads, torch.Generator().manual_seed(42))
    y = attention(*wide, CONFIG, faults=arrays, generator=torch.Generator().manual_seed(43))
    return y[0].numpy()


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_mean_and_spread_of_the_outputs_agree_with_numpy(codes, cycles, name):
    faults = Faults(**{name: SIZES[name]})
    print("seeds 0..")
    ours = torch_outputs(codes, faults)
    fixed = name in ("ir_drop", "hold_droop_per_cycle")
    theirs = played_with_faults(cycles, CONFIG, faults, range(1 if fixed else RUNS))
    ideal = truth([torch.from_numpy(codes[f"{each}_code"])[None, None] for each in "qkv"], CONFIG)[
        0
    ][0, 0].numpy()
    assert (theirs != ideal).mean() > 0.05
    if fixed:
        assert (ours == theirs[0]).all()
        return
    error = np.sqrt(theirs.var(axis=0) / len(theirs) + ours.var(axis=0) / len(ours))
    # Outputs that nearly always keep their code: one odd draw in a run is no disagreement.
    error = np.maximum(error, 0.5 / len(theirs))
    assert (np.abs(theirs.mean(axis=0) - ours.mean(axis=0)) < 5 * error).all()
    spread, expected = np.sqrt(ours.var(axis=0).mean()), np.sqrt(theirs.var(axis=0).mean())
    assert expected > 0.2
    assert spread == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("name", ["odd sizes, full sink", "own polynomial", "paired, slow steps"])
@pytest.mark.parametrize("fault", [None, *SIZES])
def test_no_fault_or_a_vanishing_one_changes_nothing(name, fault):
    config = GEOMETRIES[name]
    codes = code_tensors(config, 3 * config.window, seed=44, heads=2)
    faults = Faults(**{fault: 1e-12}) if fault else Faults()
    arrays = FaultyArrays(config, faults, heads=2)
    generator = torch.Generator().manual_seed(45)
    y = attention(*units(codes, config, torch.float64), config, faults=arrays, generator=generator)
    assert torch.equal(y.long(), truth(codes, config)[0])


@pytest.mark.parametrize("backward", ["surrogate", "true"])
def test_gradients_without_faults_are_those_of_the_op(backward):
    config = GEOMETRIES["odd sizes, one sink token"]
    q, k, v = code_tensors(config, 60, seed=46, heads=4)
    inputs = units([q, k[:, :2], v[:, :2]], config, torch.float64)
    dy = torch.randn(q.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(47))
    found = []
    for faults in (None, FaultyArrays(config, Faults(), heads=2)):
        leaves = [x.clone().requires_grad_() for x in inputs]
        y = attention(*leaves, config, backward=backward, faults=faults)
        found.append(torch.autograd.grad((y * dy).sum(), leaves))
    for one, other in zip(*found, strict=True):
        assert other.abs().max() > 1e-2
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_noise_in_backward_is_that_of_the_forward():
    """The gradient of dy . y is repeatable, and differs from one draw to another."""
    config = GEOMETRIES["odd sizes"]
    inputs = units(code_tensors(config, 50, seed=48), config, torch.float64)
    arrays = FaultyArrays(config, Faults(read_noise=2.0, write_error_v=0.05), heads=1)

    def gradient(seed: int) -> torch.Tensor:
        leaves = [x.clone().requires_grad_() for x in inputs]
        generator = torch.Generator().manual_seed(seed)
        y = attention(*leaves, config, faults=arrays, generator=generator, quantise=False)
        return torch.autograd.grad(y.sum(), leaves)[2]

    assert torch.equal(gradient(1), gradient(1))
    assert not torch.equal(gradient(1), gradient(2))


def test_droop_is_the_numpy_one():
    from gaincell.behavioral.faults import drooped as numpy_drooped

    held = np.linspace(-1, 2, 50)
    found = drooped(torch.from_numpy(held), 0.3).numpy()
    np.testing.assert_allclose(found, numpy_drooped(held, 0.3), rtol=0, atol=1e-14)


def test_refuses_arrays_of_another_head():
    config = GEOMETRIES["odd sizes"]
    inputs = units(code_tensors(config, 4, seed=49, heads=2), config, torch.float64)
    with pytest.raises(ValueError, match="faulty arrays are of 3 heads, but k has 2"):
        attention(*inputs, config, faults=FaultyArrays(config, Faults(), heads=3))
    other = FaultyArrays(GEOMETRIES["odd sizes, full sink"], Faults(), heads=2)
    with pytest.raises(ValueError, match="faulty arrays have sink 7, but the config has 0"):
        attention(*inputs, config, faults=other)
    with pytest.raises(TypeError, match="faults is dict, but must be Faults"):
        FaultyArrays(config, {}, heads=2)

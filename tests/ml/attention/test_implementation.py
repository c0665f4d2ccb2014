"""Which implementation of attention is chosen, and what it says of one that cannot be."""

from dataclasses import replace

import pytest
import torch

from gaincell.config import HeadConfig
from gaincell.ml.attention import attention
from gaincell.ml.attention.authors import ReferenceQuirks
from gaincell.ml.attention.fused import choice
from gaincell.ml.attention.fused.choice import VARIABLE, implementation_for, uses_kernels
from gaincell.ml.attention.numbers import Numbers

HEAD = HeadConfig()


@pytest.fixture(autouse=True)
def triton_is_installed(monkeypatch):
    monkeypatch.setattr(choice, "_installed", lambda: True)
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_gpu_gets_the_kernels_and_a_cpu_torch():
    assert implementation_for(HEAD, "cuda") == "triton"
    assert implementation_for(HEAD, "cuda:1", torch.bfloat16) == "triton"
    assert implementation_for(HEAD, "cpu") == "torch, as the tensors are on the CPU"
    assert implementation_for(HEAD, "cuda", implementation="torch") == (
        "torch, as it was asked for"
    )


@pytest.mark.parametrize(
    ("changes", "dtype", "reason"),
    [
        ({}, torch.float64, "the tensors are float64, whose results must not depend on a device"),
        ({"head_dim": 160}, torch.float32, "head_dim is 160, above 128"),
        (
            {"cell": (0.0, 1.0, 0.0, 0.0, 1.0)},
            torch.float32,
            "the cell's polynomial has an order above 3",
        ),
    ],
)
def test_what_the_kernels_cannot_compute_is_left_to_torch_or_refused(changes, dtype, reason):
    config = replace(HEAD, **changes)
    assert implementation_for(config, "cuda", dtype) == f"torch, as {reason}"
    with pytest.raises(ValueError, match=f'implementation is "triton", but {reason}'):
        implementation_for(config, "cuda", dtype, "triton")


def test_without_triton_it_says_so(monkeypatch):
    monkeypatch.setattr(choice, "_installed", lambda: False)
    assert implementation_for(HEAD, "cuda") == "torch, as Triton is not installed"


def test_the_references_numerics_are_torchs():
    numbers = Numbers.of(HEAD, reference=ReferenceQuirks())
    with pytest.raises(ValueError, match="but the reference's numerics were asked for"):
        choice._uses_kernels("triton", choice._reason_against(numbers, "cuda", torch.float32))


def test_kernels_that_were_asked_for_on_a_cpu_are_refused():
    x = torch.rand(1, 1, 4, HEAD.head_dim)
    with pytest.raises(ValueError, match='"triton", but the tensors are on the CPU'):
        attention(x, x, x, HEAD, implementation="triton")


def test_the_environment_decides_where_no_argument_does(monkeypatch):
    x = torch.rand(1, 1, 4, HEAD.head_dim)
    monkeypatch.setenv(VARIABLE, "triton")
    with pytest.raises(ValueError, match='"triton", but the tensors are on the CPU'):
        attention(x, x, x, HEAD)
    attention(x, x, x, HEAD, implementation="torch")
    monkeypatch.setenv(VARIABLE, "torch")
    assert implementation_for(HEAD, "cuda") == "torch, as it was asked for"
    assert not uses_kernels(x, Numbers.of(HEAD))
    monkeypatch.setenv(VARIABLE, "")
    assert implementation_for(HEAD, "cuda") == "triton"


def test_unknown_names_are_refused_with_where_they_came_from(monkeypatch):
    x = torch.rand(1, 1, 4, HEAD.head_dim)
    with pytest.raises(ValueError, match="implementation is 'cuda', but must be"):
        attention(x, x, x, HEAD, implementation="cuda")
    monkeypatch.setenv(VARIABLE, "fast")
    with pytest.raises(ValueError, match=f"environment variable {VARIABLE} is 'fast', but must"):
        attention(x, x, x, HEAD)

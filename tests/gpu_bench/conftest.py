"""One thread: threads that wait for each other only cost time on tensors this small."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_copies(monkeypatch):
    """Copies of keys and values of some kilobytes instead of 256 MB."""
    from gaincell.gpu_bench import machine

    monkeypatch.setattr(machine, "CPU_BYTES", 20_000)

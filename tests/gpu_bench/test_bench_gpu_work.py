"""What gaincell bench-gpu times: attention as it should be, and as the authors' script does it."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from fake_gpu import CPU, OPTIONS, TINY, FakeGraphs, FakeTime

from gaincell.cli import main
from gaincell.gpu_bench import authors, machine, workload
from gaincell.gpu_bench.authors import AuthorsStep
from gaincell.gpu_bench.bench import bench
from gaincell.gpu_bench.records import AUTHORS_BATCH, Settings
from gaincell.gpu_bench.timing import REPEATS, CudaClock, HostClock, timed
from gaincell.gpu_bench.workload import Copies, check_alike, copies_for, matmul, sdpa
from gaincell.refusals import Failed

pytestmark = pytest.mark.usefixtures("small_copies")


def test_both_operations_are_softmax_attention_over_the_whole_window():
    q, k, v = Copies.draw(TINY, 3, 2, CPU).sets[1]
    wanted = torch.zeros(3, 2, 1, 8, dtype=torch.float64)
    for b in range(3):
        for h in range(2):
            weights = [((q[b, h, 0] @ key) / 8**0.5).exp().double() for key in k[b, h]]
            outputs = [w * value for w, value in zip(weights, v[b, h], strict=True)]
            wanted[b, h, 0] = sum(outputs) / sum(weights)
    for operation in (sdpa, matmul):
        assert torch.allclose(operation(q, k, v).double(), wanted, atol=1e-6)


@pytest.mark.parametrize("dtype", workload.TOLERANCES)
def test_the_check_passes_rounding_and_sees_one_key_missing_of_64(dtype):
    settings = Settings(heads=2, head_dim=16, window=64)
    exact = [x.double() for x in Copies.draw(settings, 2, 1, CPU).sets[0]]
    rounded = [x.to(dtype) for x in exact]
    q, k, v = rounded
    check_alike(matmul(q, k, v), sdpa(*exact).to(dtype), "two results")
    with pytest.raises(Failed, match=r"two results differ by .* nothing was timed"):
        check_alike(sdpa(q, k[:, :, 1:], v[:, :, 1:]), matmul(q, k, v), "two results")


def test_the_check_refuses_what_is_no_number():
    y = torch.ones(2, 3)
    with pytest.raises(Failed, match="differ by nan"):
        check_alike(y * float("nan"), y, "two results")


def test_a_wrong_mask_fails_before_anything_is_timed(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(workload.OPERATIONS, "sdpa", authors.one_key)
    path = tmp_path / "bench.json"
    assert main(["bench-gpu", "--device", "cpu", *OPTIONS, "-o", str(path)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("gaincell: SDPA and matmul differ by")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not path.exists()


def test_copies_hold_what_was_asked_for():
    assert copies_for(1000, 100) == 10
    assert copies_for(1001, 100) == 11
    assert copies_for(1000, 5000) == 1
    assert copies_for(0, 5000) == 1
    assert copies_for(10**9, 1) == workload.MOST_COPIES


def test_copies_differ_and_follow_the_seed():
    copies = Copies.draw(TINY, 3, 4, CPU)
    assert copies.nbytes == 4 * workload.bytes_of(TINY, 3)
    assert len({x.sum().item() for each in copies.sets for x in each}) == 12
    assert torch.equal(copies.k, Copies.draw(TINY, 3, 4, CPU).k)
    assert not torch.equal(copies.k, Copies.draw(replace(TINY, seed=1), 3, 4, CPU).k)


def test_an_eager_round_uses_each_copy_once():
    copies, seen = Copies.draw(TINY, 1, 5, CPU), []
    machine.eager(lambda q, k, v: seen.append((q, k, v)), copies)(3)
    assert [q.data_ptr() for q, _, _ in seen] == [q.data_ptr() for q in copies.q] * 3
    assert [v.data_ptr() for _, _, v in seen] == [v.data_ptr() for v in copies.v] * 3


def test_time_per_step_is_that_of_the_counted_rounds():
    clock, rounds = FakeTime(), []

    def run(count):
        rounds.append(count)
        clock.wait(count * 0.006)

    times = timed(run, HostClock(clock.now), steps=3, seconds=1.0)
    assert rounds[-REPEATS:] == [times.rounds] * REPEATS
    assert times.repeats_s == pytest.approx([0.002] * REPEATS)
    assert REPEATS * times.rounds * 0.006 == pytest.approx(1.0, rel=0.05)
    assert rounds[0] == 1
    assert rounds[1:-REPEATS] == [1, 2, 4, 8, 16, 32]


def test_a_slow_round_is_timed_once_a_repeat():
    clock = FakeTime()
    times = timed(lambda count: clock.wait(7.0 * count), HostClock(clock.now), steps=1, seconds=1)
    assert times.rounds == 1
    assert times.repeats_s == (7.0,) * REPEATS


def test_cuda_times_lie_between_events_and_wait_for_the_last(monkeypatch):
    told = []

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            told.append("record")

        def synchronize(self):
            told.append("wait")

        def elapsed_time(self, end):
            told.append("read")
            return 250.0

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: told.append("idle"))
    assert CudaClock().seconds(lambda: told.append("work")) == 0.25
    assert told == ["idle", "record", "work", "record", "wait", "read"]


def test_a_graph_holds_one_step_for_each_copy(monkeypatch):
    graphs, copies = FakeGraphs(monkeypatch, repeats=True), Copies.draw(TINY, 1, 5, CPU)
    run = machine.captured(graphs.operation, copies)
    assert [q.data_ptr() for q, *_ in graphs.seen] == [q.data_ptr() for q in copies.q]
    before = graphs.replays
    run(4)
    assert graphs.replays == before + 4


def test_a_graph_that_computes_nothing_is_found_out(monkeypatch):
    graphs, copies = FakeGraphs(monkeypatch, repeats=False), Copies.draw(TINY, 1, 5, CPU)
    with pytest.raises(Failed, match="a CUDA graph's results and those without it differ"):
        machine.captured(graphs.operation, copies)


@pytest.mark.parametrize("uuid", ["1a-2b", "GPU-1a-2b"])
def test_a_gpu_is_known_to_nvml_by_its_uuid(monkeypatch, uuid):
    found = SimpleNamespace(name="Card", L2_cache_size=7000, uuid=uuid)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: found)
    gpu = machine.cuda()
    assert (gpu.kind, gpu.name, gpu.uuid) == ("cuda", "Card", "GPU-1a-2b")
    assert gpu.copies_bytes == 28000
    assert gpu.captured is machine.captured
    assert isinstance(gpu.clock, CudaClock)


def test_the_authors_query_sees_the_first_key_only():
    step = AuthorsStep(authors.one_key, TINY, CPU)
    step()
    y = step()
    assert y.shape == (AUTHORS_BATCH, 2, 1, 8)
    assert torch.equal(y[:, :, 0], step.v[:, 0])
    step.v[:, 1:] += 1
    step.k[:, 1:] += 1
    assert torch.equal(step()[:, :, 0], step.v[:, 0])


def test_the_authors_products_see_all_keys_without_softmax():
    step = AuthorsStep(authors.no_softmax, TINY, CPU)
    y = step()
    wanted = torch.einsum("bqhd,bkhd,bkhe->bhqe", step.q, step.k, step.v)
    assert torch.allclose(y, wanted, rtol=1e-4)


def test_the_authors_ring_is_written_in_turn():
    step = AuthorsStep(authors.one_key, TINY, CPU)
    before = step.k.clone()
    for slot in range(TINY.window):
        assert step.slot == slot
        step()
        assert torch.equal(step.k[:, slot], step.new_k[:, 0])
        assert torch.equal(step.k[:, slot + 1 :], before[:, slot + 1 :])
    assert step.slot == 0


def test_the_authors_setting_does_not_wait_for_the_gpu():
    waits = []
    slow = replace(
        machine.cpu(),
        synchronise=lambda: waits.append(len(rows)),
        clock=SimpleNamespace(seconds=lambda work: (work(), 1.0)[1]),
    )
    rows = []
    found = bench(TINY, slow, told=rows.append)
    own = [row for row in found.rows if row.authors]
    assert [row.operation for row in own] == ["sdpa, one key", "no softmax"]
    assert all(row.batch == 64 and row.way == "unsynchronised" for row in own)
    assert all(row.dtype == "float32" and row.energy is None for row in own)
    assert all(row.median_s < 0.5 for row in own), "timed by the device's clock"
    assert all(row.per_token_s == row.median_s / 64 for row in own)
    assert waits == [4, 5], "once after each, outside the time"

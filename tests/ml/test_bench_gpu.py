"""gaincell bench-gpu: what is timed and metered, with stand-ins for a GPU, and how it refuses."""

import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gaincell.cli import main
from gaincell.commands.bench_gpu import si
from gaincell.config import PRESETS
from gaincell.gpu_figures import as_json, load_bench, ours, published
from gaincell.gpu_records import AUTHORS_BATCH, Energy, Settings
from gaincell.ml.gpu import authors, energy, machine, workload
from gaincell.ml.gpu.authors import AuthorsStep
from gaincell.ml.gpu.bench import bench, measurements
from gaincell.ml.gpu.energy import Meter, NoEnergy, integral, open_meter
from gaincell.ml.gpu.timing import REPEATS, CudaClock, HostClock, timed
from gaincell.ml.gpu.workload import Copies, check_alike, copies_for, matmul, sdpa

TINY = Settings(heads=2, head_dim=8, window=16, batches=(1, 3), seconds=0.01)
OPTIONS = ["--heads", "2", "--head-dim", "8", "--window", "16", "--seconds", "0.01"]
CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")


@pytest.fixture(autouse=True)
def _small_copies(monkeypatch):
    """Copies of some kilobytes instead of 256 MB."""
    monkeypatch.setattr(machine, "CPU_BYTES", 20_000)


class FakeTime:
    """A clock that only work and waiting move, and the power drawn meanwhile."""

    def __init__(self):
        self.s = self.joules = 0.0
        self.watts = 20.0

    def now(self):
        return self.s

    def wait(self, seconds):
        self.s += seconds
        self.joules += self.watts * seconds

    def work(self, seconds, watts):
        idle, self.watts = self.watts, watts
        self.wait(seconds)
        self.watts = idle


class FakeNvml:
    """As much of pynvml as a meter uses."""

    class NVMLError(Exception):
        pass

    def __init__(self, clock, *, counts=True, tells_power=True):
        self.clock, self.counts, self.tells_power = clock, counts, tells_power
        self.open = 0
        self.asked = []

    def nvmlInit(self):  # noqa: N802 - NVML's own names
        self.open += 1

    def nvmlShutdown(self):  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        self.asked.append(uuid)
        return uuid

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "580.1"

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        if not self.counts:
            raise self.NVMLError("Not Supported")
        return round(self.clock.joules * 1e3)

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        if not self.tells_power:
            raise self.NVMLError("Not Supported")
        return round(self.clock.watts * 1e3)


def meter_of(clock, **options):
    return Meter(FakeNvml(clock, **options), "handle", now=clock.now, wait=clock.wait)


# The work


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
    with pytest.raises(RuntimeError, match=r"two results differ by .* nothing was timed"):
        check_alike(sdpa(q, k[:, :, 1:], v[:, :, 1:]), matmul(q, k, v), "two results")


def test_the_check_refuses_what_is_no_number():
    y = torch.ones(2, 3)
    with pytest.raises(RuntimeError, match="differ by nan"):
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


# Time


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


class FakeGraphs:
    """Streams and graphs of torch.cuda; a graph repeats the operations it saw."""

    def __init__(self, monkeypatch, repeats):
        self.repeats, self.seen, self.capturing, self.replays = repeats, [], False, 0
        stream = SimpleNamespace(wait_stream=lambda other: None)
        monkeypatch.setattr(torch.cuda, "Stream", lambda: stream)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda: stream)
        monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        monkeypatch.setattr(torch.cuda, "graph", self.captures)

    @contextmanager
    def captures(self, graph):
        assert graph is self
        self.capturing = True
        yield
        self.capturing = False

    def operation(self, q, k, v):
        y = sdpa(q, k, v)
        if self.capturing:
            self.seen.append((q, k, v, y))
        return y

    def replay(self):
        self.replays += 1
        for q, k, v, y in self.seen if self.repeats else ():
            y.copy_(sdpa(q, k, v))


def test_a_graph_holds_one_step_for_each_copy(monkeypatch):
    graphs, copies = FakeGraphs(monkeypatch, repeats=True), Copies.draw(TINY, 1, 5, CPU)
    run = machine.captured(graphs.operation, copies)
    assert [q.data_ptr() for q, *_ in graphs.seen] == [q.data_ptr() for q in copies.q]
    before = graphs.replays
    run(4)
    assert graphs.replays == before + 4


def test_a_graph_that_computes_nothing_is_found_out(monkeypatch):
    graphs, copies = FakeGraphs(monkeypatch, repeats=False), Copies.draw(TINY, 1, 5, CPU)
    with pytest.raises(RuntimeError, match="a CUDA graph's results and those without it differ"):
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


# The authors' setting


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


# Energy


def test_energy_above_idle_is_without_the_idle_power():
    used = Energy(total_j=90.0, seconds=2.0, tokens=300, idle_w=20.0)
    assert used.per_token_j == pytest.approx(0.3)
    assert used.per_token_above_idle_j == pytest.approx(50 / 300)


def test_the_counter_is_read_over_the_loop_only():
    clock = FakeTime()
    meter = meter_of(clock)
    assert meter.counts
    clock.work(10.0, 500.0)
    assert meter.idle_power_w() == pytest.approx(20.0)
    assert clock.now() == pytest.approx(10 + energy.SETTLE_S + energy.IDLE_S)
    reading = meter.measure(lambda: clock.work(0.25, 100.0), 3.0)
    assert reading.bursts == 12
    assert reading.seconds == pytest.approx(3.0)
    assert reading.joules == pytest.approx(300.0)


def test_power_is_integrated_where_there_is_no_counter():
    clock = FakeTime()
    clock.watts = 0.0
    meter = Meter(FakeNvml(clock, counts=False), "handle")
    assert not meter.counts

    def burst():
        clock.watts = 100.0
        time.sleep(0.3)
        clock.watts = 0.0

    reading = meter.measure(burst, 0.2)
    assert reading.bursts == 1
    assert 0.5 < reading.joules / (100.0 * reading.seconds) <= 1.0


def test_samples_of_power_are_joined_by_straight_lines():
    assert integral([(0.0, 10.0), (1.0, 30.0), (3.0, 30.0)]) == pytest.approx(80.0)


def test_a_gpu_that_tells_neither_energy_nor_power_is_refused():
    with pytest.raises(NoEnergy, match="NVML says Not Supported"):
        meter_of(FakeTime(), counts=False, tells_power=False)


def test_a_meter_is_opened_by_uuid_and_closed(monkeypatch):
    nvml = FakeNvml(FakeTime())
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    with open_meter("GPU-1") as meter:
        assert nvml.open == 1
        assert meter.driver() == "580.1"
    assert nvml.open == 0
    assert nvml.asked == ["GPU-1"]


def test_nvml_that_is_not_there_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NoEnergy, match=r"pip install 'gaincell\[gpu\]'"), open_meter("GPU-1"):
        pass


def test_nvml_without_a_driver_says_so(monkeypatch):
    nvml = FakeNvml(FakeTime())

    def fails():
        raise nvml.NVMLError("Driver Not Loaded")

    nvml.nvmlInit = fails
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    with pytest.raises(NoEnergy, match="NVML says Driver Not Loaded"), open_meter("GPU-1"):
        pass


# All of it


def metered(clock, **options):
    """What opens a meter of a fake GPU at 100 W, whose rounds take 10 ms."""
    return lambda uuid: nullcontext(meter_of(clock, **options))


class WorkingGpu(machine.Machine):
    """A GPU that only lets time pass."""

    def runs(self, operation, copies):
        run = self.captured(operation, copies)
        return {"eager": run, "graph": run}


def working_gpu(clock):
    """A GPU with the time and the power of ``clock``: 10 ms and 100 W a round."""
    return WorkingGpu(
        kind="cuda",
        name="Fake",
        where=CPU,
        clock=HostClock(clock.now),
        copies_bytes=20_000,
        captured=lambda operation, copies: lambda rounds: clock.work(0.01 * rounds, 100.0),
        l2_bytes=5000,
        uuid="GPU-1",
    )


def test_energy_of_a_graph_is_counted_by_token():
    clock = FakeTime()
    gpu = working_gpu(clock)
    found = bench(replace(TINY, seconds=0.2), gpu, open_meter=metered(clock))
    assert found.idle_power_w == pytest.approx(20.0)
    assert found.device.driver == "580.1"
    assert found.notes == ()
    rows = [row for row in found.rows if not row.authors]
    assert [(row.operation, row.batch, row.way) for row in rows] == [
        (operation, batch, way)
        for batch in (1, 3)
        for operation in ("sdpa", "matmul")
        for way in ("eager", "graph")
    ]
    assert len(found.rows) == measurements(TINY, gpu)
    for row in rows:
        tokens_a_round = row.copies * row.batch
        assert row.median_s == pytest.approx(0.01 / row.copies)
        assert row.energy.seconds >= 0.2
        assert row.energy.per_token_j == pytest.approx(1.0 / tokens_a_round, rel=1e-3)
        assert row.energy.per_token_above_idle_j == pytest.approx(0.8 / tokens_a_round, rel=1e-3)


def test_a_gpu_without_energy_gets_a_note():
    clock = FakeTime()

    @contextmanager
    def closed(uuid):
        raise NoEnergy("NVML says no")
        yield

    found = bench(TINY, working_gpu(clock), open_meter=closed)
    assert found.notes == ("no energy: NVML says no",)
    assert found.idle_power_w is None
    assert {row.energy for row in found.rows} == {None}


def test_a_meter_that_breaks_off_costs_energy_but_no_time():
    clock = FakeTime()
    nvml = FakeNvml(clock)
    meter = Meter(nvml, "handle", now=clock.now, wait=clock.wait)
    rows = []

    def told(row):
        rows.append(row)
        nvml.counts = False

    found = bench(TINY, working_gpu(clock), told=told, open_meter=lambda _: nullcontext(meter))
    assert rows[0].energy is not None
    assert {row.energy for row in rows[1:]} == {None}
    assert found.notes == ("no energy: NVML says Not Supported",)


def test_too_few_copies_get_a_note(monkeypatch):
    monkeypatch.setattr(workload, "MOST_COPIES", 2)
    found = bench(replace(TINY, batches=(1,)), machine.cpu())
    assert found.rows[0].copies == 2
    assert "batch 1: 2 copies hold only 0.00" in found.notes[1]


# The command


def test_the_table_and_the_file(capsys, tmp_path):
    path = tmp_path / "bench.json"
    asked = ["bench-gpu", "--device", "cpu", *OPTIONS, "--batches", "1, 2,1", "--seed", "3"]
    assert main([*asked, "-o", str(path)]) == 0
    printed = capsys.readouterr().out
    lines = [re.split(r"  +", line.strip()) for line in printed.splitlines()]
    measured = [cells for cells in lines if len(cells) > 1 and cells[1] == "measured"]
    assert [cells[0] for cells in measured] == [
        "cpu, sdpa, batch 1, eager",
        "cpu, matmul, batch 1, eager",
        "cpu, sdpa, batch 2, eager",
        "cpu, matmul, batch 2, eager",
        "cpu, authors' setting: sdpa, one key, batch 64",
        "cpu, authors' setting: no softmax, batch 64",
    ]
    assert all(cells[-2:] == ["-", "-"] for cells in measured)
    assert [
        "RTX 4090, authors' script, 12 heads",
        *("published", "-", "-", "22.37 us", "-", "7.178 mJ"),
    ] in lines
    latency = f"{PRESETS['gpt2'].latency_cycles} ns"
    assert ["gaincell's head, 1 head", "simulated", latency, "-", latency, "-", "-"] in lines
    assert ["one new token", "2 heads of 8, window 16, float32, seed 3"] in lines

    stored = json.loads(path.read_text())
    assert {row["label"] for row in stored["rows"]} == {"measured"}
    assert {row["device"] for row in stored["rows"]} == {"cpu"}
    assert {figure["label"] for figure in stored["published"]} == {"published"}
    assert stored["settings"]["batches"] == [1, 2]
    assert stored["versions"]["torch"] == torch.__version__
    assert stored["idle_power_w"] is None
    for row in stored["rows"]:
        assert len(row["repeats_s"]) == REPEATS
        assert row["lowest_s"] <= row["median_s"] <= row["highest_s"]
        assert row["per_token_s"] == pytest.approx(row["median_s"] / row["batch"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--device", "tpu"], '--device is "tpu", but must be cuda or cpu'),
        (["--heads", "0"], "--heads is 0, but must be at least 1"),
        (["--head-dim", "-1"], "--head-dim is -1, but must be at least 1"),
        (["--window", "0"], "--window is 0, but must be at least 1"),
        (["--batches", "1,x"], '--batches is "1,x", but must be whole numbers above 0'),
        (["--batches", "0"], '--batches is "0", but must be whole numbers above 0'),
        (["--batches", ""], '--batches is "", but must be whole numbers above 0'),
        (["--seconds", "0"], "--seconds is 0.0, but must be above 0"),
        (["--seconds", "nan"], "--seconds is nan, but must be above 0"),
        (["--seconds", "inf"], "--seconds is inf, but must be above 0"),
        (["--seed", "-1"], "--seed is -1, but must be 0..2^63 - 1"),
        (["--dtype", "int8"], '--dtype is "int8", but must be float16 or bfloat16 or float32'),
        (["--dtype", "float16"], "--dtype is float16, but on a CPU only float32 is measured"),
        (["-o", "nowhere/bench.json"], "output nowhere/bench.json cannot be written"),
    ],
)
def test_wrong_input_is_one_sentence(capsys, more, message):
    assert main(["bench-gpu", "--device", "cpu", *OPTIONS, *more]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert message in said.err


def test_cuda_that_is_not_there_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["bench-gpu", "--device", "cuda", *OPTIONS]) == 2
    assert "torch finds no CUDA here: use --device cpu" in capsys.readouterr().err


def test_without_torch_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setattr("gaincell.commands.bench_gpu.find_spec", lambda _: None)
    assert main(["bench-gpu"]) == 2
    assert "this command needs torch: pip install 'gaincell[ml]'" in capsys.readouterr().err


def test_sizes_beyond_memory_fail_in_one_sentence(capsys):
    sizes = [*OPTIONS, "--window", str(10**13)]
    assert main(["bench-gpu", "--device", "cpu", *sizes]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "memory of the cpu device does not suffice" in said
    assert "take 8.19e+07 GB at batch 64" in said


def test_a_full_gpu_fails_in_one_sentence(capsys, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB.\nMore.")

    monkeypatch.setattr(Copies, "draw", full)
    assert main(["bench-gpu", "--device", "cpu", *OPTIONS]) == 1
    assert "lower --batches, --window, --heads or --head-dim\n" in capsys.readouterr().err


def test_any_other_error_of_the_device_is_its_first_line(capsys, monkeypatch):
    def broken(*_):
        raise RuntimeError("CUDA error: unspecified launch failure\nCompile with ...")

    monkeypatch.setattr(Copies, "draw", broken)
    assert main(["bench-gpu", "--device", "cpu", *OPTIONS]) == 1
    assert capsys.readouterr().err == "gaincell: CUDA error: unspecified launch failure\n"


# Files and figures


@pytest.fixture(scope="module")
def measured():
    """A bench with energy."""
    clock = FakeTime()
    settings = replace(TINY, batches=(2,), seconds=0.05)
    return bench(settings, working_gpu(clock), open_meter=metered(clock))


def test_a_file_is_read_back_as_it_was(measured, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(as_json(measured)))
    assert load_bench(path) == measured
    assert load_bench(path).rows[0].energy is not None


def changed(*keys, to):
    def change(stored):
        for key in keys[:-1]:
            stored = stored[key]
        stored[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (changed("format", to=2), "it is not what gaincell bench-gpu writes"),
        (changed("rows", to=[]), '"rows" must be a list, not empty'),
        (changed("rows", 0, to=3), "row 0 must be an object"),
        (changed("rows", 1, "label", to="guessed"), "[row 1] label is"),
        (changed("rows", 1, "repeats_s", to=[]), "repeats_s is (), but must be a list of numbers"),
        (changed("rows", 1, "repeats_s", to=[-1.0]), "but must be a list of numbers above 0"),
        (changed("rows", 1, "repeats_s", to=[float("nan")]), "but must be a list of numbers"),
        (changed("rows", 0, "batch", to=0), "[row 0] batch is 0, but must be at least 1"),
        (changed("rows", 0, "speed", to=1), '[row 0] unknown key "speed"'),
        (changed("rows", 0, "energy", to=4), "row 0's energy must be an object, or null"),
        (changed("rows", 0, "energy", "tokens", to=0), "[row 0, energy] tokens is 0, but must"),
        (changed("device", to=None), "device is None, but must be a table"),
        (changed("settings", "batches", to=[]), "batches is (), but must be a list of whole"),
        (changed("settings", "batches", to=[1.5]), "but must be a list of whole numbers"),
        (changed("notes", to=[1]), '"notes" must be a list of strings'),
        (changed("versions", to=[]), '"versions" must be an object of strings'),
        (changed("idle_power_w", to="low"), 'idle_power_w is "low", but must be at least 0'),
    ],
)
def test_a_file_that_was_changed_is_refused(measured, tmp_path, change, message):
    path = tmp_path / "bench.json"
    stored = json.loads(json.dumps(as_json(measured)))
    change(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=re.escape(message)) as refusal:
        load_bench(path)
    assert str(refusal.value).startswith(f"bench {path}")


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        load_bench(tmp_path / "bench.json")
    (tmp_path / "bench.json").write_text("{")
    with pytest.raises(ValueError, match="is not valid JSON"):
        load_bench(tmp_path / "bench.json")


def test_figures_and_files_need_no_torch(measured, tmp_path):
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(as_json(measured)))
    program = (
        "import sys, pathlib\n"
        "sys.modules['torch'] = None\n"
        "from gaincell.gpu_figures import load_bench, published\n"
        "print(len(published()), load_bench(pathlib.Path(sys.argv[1])).device.name)\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "3 Fake\n"


def test_published_figures_say_where_they_are_from():
    card, nano, head = published()
    assert card.latency_s == pytest.approx(22.37e-6, rel=1e-3)
    assert nano.energy_j == pytest.approx(3.246e-3, rel=1e-3)
    assert (head.latency_s, head.energy_j, head.heads) == (65e-9, 6.1e-9, 1)
    assert all(figure.label == "published" and figure.source for figure in published())
    assert (card.heads, card.above_idle) == (12, True)


def test_the_page_gives_these_figures():
    page = (Path(__file__).parents[2] / "docs" / "bench_gpu.md").read_text(encoding="utf-8")
    for figure in (*published(), ours()):
        row = next(
            line
            for line in page.splitlines()
            if line.startswith(f"| {figure.case.partition(',')[0]} ")
        )
        assert si(figure.latency_s, "s").replace("us", "µs") in row
        assert figure.energy_j is None or si(figure.energy_j, "J") in row


def test_our_latency_is_that_of_the_config():
    tiny = PRESETS["tiny"]
    assert ours(tiny).latency_s == tiny.latency_cycles * tiny.clock_s
    assert ours().latency_s == pytest.approx(PRESETS["gpt2"].latency_cycles * 1e-9)
    assert ours().label == "simulated"


# On a GPU


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_gpu_runs_all_of_it(capsys, tmp_path, dtype):
    path = tmp_path / "bench.json"
    asked = ["bench-gpu", "--device", "cuda", "--seconds", "0.2", "--dtype", dtype]
    assert main([*asked, "--batches", "1,8", "-o", str(path)]) == 0
    found = load_bench(path)
    assert found.device.kind == "cuda"
    assert {row.way for row in found.rows} == {"eager", "graph", "unsynchronised"}
    assert found.rows[0].copies_bytes >= 4 * found.device.l2_bytes
    by_way = {row.way: row.median_s for row in found.rows if row.batch == 1}
    assert by_way["graph"] < by_way["eager"]
    if found.idle_power_w is None:
        assert any("no energy" in note for note in found.notes)
    else:
        assert all(row.energy.total_j > 0 for row in found.rows if not row.authors)


@pytest.mark.gpu
@needs_gpu
@torch.inference_mode()
def test_a_graph_on_a_gpu_computes_every_copy():
    where = torch.device("cuda")
    copies = Copies.draw(replace(TINY, dtype="float16"), 2, 3, where)
    outputs = []

    def kept(q, k, v):
        outputs.append(sdpa(q, k, v))
        return outputs[-1]

    run = machine.captured(kept, copies)
    in_graph = outputs[3:6]
    for each in in_graph:
        each.zero_()
    run(1)
    torch.cuda.synchronize()
    for each, inputs in zip(in_graph, copies.sets, strict=True):
        check_alike(each, matmul(*inputs), "a graph and matmul")

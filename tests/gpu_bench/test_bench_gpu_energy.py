"""Energy of gaincell bench-gpu, metered with stand-ins for a GPU and NVML."""

import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest
from fake_gpu import TINY, FakeNvml, FakeTime, meter_of, metered, working_gpu

from gaincell.gpu_bench import energy
from gaincell.gpu_bench.bench import bench, measurements
from gaincell.gpu_bench.energy import Meter, NoEnergy, integral, open_meter
from gaincell.gpu_bench.records import Energy

pytestmark = pytest.mark.usefixtures("small_copies")


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

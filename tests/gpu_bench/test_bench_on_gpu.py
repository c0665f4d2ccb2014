"""The measurement on a GPU, without the command: a GPU's machine may lack a simulator."""

import json
from dataclasses import replace

import pytest
import torch
from fake_gpu import TINY

from gaincell.gpu_bench import energy, machine
from gaincell.gpu_bench.figures import as_json, load_bench
from gaincell.gpu_bench.records import Settings
from gaincell.gpu_bench.run import measured
from gaincell.gpu_bench.workload import Copies, check_alike, matmul, sdpa

pytestmark = [pytest.mark.gpu, pytest.mark.needs("gpu")]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_gpu_runs_all_of_it(tmp_path, monkeypatch, dtype):
    for name in ("SETTLE_S", "IDLE_S", "WARM_S"):  # no energy is published from here
        monkeypatch.setattr(energy, name, 0.3)
    path = tmp_path / "bench.json"
    asked = Settings(dtype=dtype, seconds=0.2, batches=(1, 8))
    path.write_text(json.dumps(as_json(measured(asked, machine.machine_of("cuda")))))
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

"""gaincell bench-gpu: its table, its file, how it refuses."""

import json
import re
from dataclasses import replace

import pytest
import torch
from fake_gpu import (
    OPTIONS,
    TINY,
)

from gaincell.cli import main
from gaincell.config import PRESETS
from gaincell.gpu_bench import machine, workload
from gaincell.gpu_bench.bench import bench
from gaincell.gpu_bench.timing import REPEATS
from gaincell.gpu_bench.workload import Copies

pytestmark = pytest.mark.usefixtures("small_copies")


def test_too_few_copies_get_a_note(monkeypatch):
    monkeypatch.setattr(workload, "MOST_COPIES", 2)
    found = bench(replace(TINY, batches=(1,)), machine.cpu())
    assert found.rows[0].copies == 2
    assert "batch 1: 2 copies hold only 0.00" in found.notes[1]


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
    assert main(["bench-gpu"]) == 3
    assert "this command needs torch: pip install 'gaincell[ml]'" in capsys.readouterr().err


def test_sizes_beyond_memory_fail_in_one_sentence(capsys):
    sizes = [*OPTIONS, "--window", str(10**13)]
    assert main(["bench-gpu", "--device", "cpu", *sizes]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "memory of the cpu device does not suffice" in said
    assert "take 8.19e+07 GB at batch 64" in said


def test_a_full_gpu_fails_in_one_sentence(capsys, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3 GiB.\nMore.")

    monkeypatch.setattr(Copies, "draw", full)
    assert main(["bench-gpu", "--device", "cpu", *OPTIONS]) == 3
    assert "lower --batches, --window, --heads or --head-dim\n" in capsys.readouterr().err


def test_any_other_error_of_the_device_is_its_first_line(capsys, monkeypatch):
    def broken(*_):
        raise RuntimeError("CUDA error: unspecified launch failure\nCompile with ...")

    monkeypatch.setattr(Copies, "draw", broken)
    assert main(["bench-gpu", "--device", "cpu", *OPTIONS]) == 3
    assert capsys.readouterr().err == "gaincell: CUDA error: unspecified launch failure\n"

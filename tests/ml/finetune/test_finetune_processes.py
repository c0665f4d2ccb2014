"""Several processes train as one with a larger batch."""

from pathlib import Path

import pytest
from finetune_runs import PAPER, finetune, left_unfinished, metrics, spawn, write_run
from safetensors.torch import load_file

pytestmark = [
    pytest.mark.training,
    pytest.mark.usefixtures("quiet_transformers", "in_a_folder"),
]

# Slowly: a sum taken in another order may move a code, and all that follows with it.
CHANGES = {
    "linear": {"steps": 2, "learning_rate": 1e-4},
    "nonlinear": {"steps": 3, "learning_rate": 1e-4},
    "held_out": PAPER["held_out"],
    "teacher": PAPER["teacher"],
}

LAUNCH = [
    *("-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"),
    *("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"),
    *("--main_process_port", "0", "-m", "gaincell", "finetune", "run.toml"),
]


def launch():
    """Exit status and errors of two processes over gloo."""
    process = spawn(*LAUNCH)
    error = process.communicate(timeout=300)[1]
    return process.returncode, error


def test_two_processes_are_one_with_twice_the_batch():
    one = CHANGES | {"run": {"folder": "one"}, "training": {"batch": 4, "accumulation": 2}}
    assert finetune(one) == 0
    write_run(CHANGES | {"training": {"batch": 2, "accumulation": 2}})
    status, error = launch()
    assert status == 0, error
    single, double = metrics("one"), metrics()
    assert (single["processes"], double["processes"]) == (1, 2)
    for stage, steps in (("linear", 2), ("nonlinear", 3)):
        for name, tolerance in (("losses", 1e-5), ("gradient_norms", 1e-4)):
            assert len(double[name][stage]) == steps
            assert double[name][stage] == pytest.approx(single[name][stage], rel=tolerance)
    for a, b in zip(single["scores"], double["scores"], strict=True):
        assert b["nats_per_token"] == pytest.approx(a["nats_per_token"], abs=1e-5)
    before = load_file("llama/model.safetensors")
    ones, doubles = (load_file(f"{name}/model/model.safetensors") for name in ("one", "run"))
    for name, weight in before.items():
        change = (ones[name] - weight).abs().mean()
        assert change > 1e-5
        assert (doubles[name] - ones[name]).abs().mean() < 0.01 * change
    assert sorted(each.name for each in Path("run/checkpoints").iterdir()) == [
        "nonlinear-000002",
        "nonlinear-000003",
    ]
    assert not left_unfinished()


def test_two_processes_refuse_with_one_sentence():
    write_run({"data": {"text": "none.txt"}})
    status, error = launch()
    assert status != 0
    assert error.count("gaincell: text none.txt cannot be read") == 1
    assert not Path("run").exists()

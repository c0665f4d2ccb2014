"""Wrong options of the commands on language models are refused before torch is imported."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "lm_eval", "datasets")

RUN = f"""
import contextlib, io, json, sys
from gaincell.cli import main

told = []
for line in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = main(line)
    heavy = [name for name in {HEAVY} if name in sys.modules]
    told.append([status, said.getvalue(), heavy])
json.dump(told, sys.stdout)
"""

MODEL = ["--model", "model"]
TEXT = ["--text", "text.txt"]
SCORED = [*MODEL, *TEXT]
SPOKEN = [*MODEL, "--prompt", "a"]
HEAD = ["--config", "tiny", "-o", "hw"]
CODES = ["codes", *SCORED, "-o", "codes"]
TOKENS = ["tokens", *SCORED, "-o", "tokens.bin"]

REFUSED = [
    (["evaluate", *MODEL, "--tasks", "piqqa"], 'no task "piqqa" (nearest known: "piqa")'),
    (["evaluate", *MODEL, "--tasks", "arc_easy,boolqq"], 'no task "boolqq" (nearest known: "bool'),
    (["evaluate", *MODEL, "--tasks", "mmlu"], "mmlu is a group of tasks"),
    (["evaluate", *MODEL, "--tasks", "piqa,"], "--tasks is 'piqa,', but must be names with"),
    (["evaluate", *MODEL, "--task-folder", "none"], "none is not a folder"),
    (["evaluate", *MODEL, "--task-folder", "model"], "model has no YAML file with a task"),
    (["evaluate", *MODEL], "nothing to evaluate on"),
    (["evaluate", "--model", "empty", *TEXT], "empty is a folder without config.json"),
    (["evaluate", *SCORED, "--baseline", "empty"], "empty is a folder without config.json"),
    (["evaluate", *MODEL, "--text", "none.txt"], "text none.txt cannot be read"),
    (["evaluate", *SCORED, "--kinds", "hardwere"], "kind 'hardwere' is unknown"),
    (["evaluate", *SCORED, "--kinds", "stock", "--faults", "read_noise=1"], "need a row on arrays"),
    (["evaluate", *SCORED, "--faults", "gain=1"], '--faults has the unknown key "gain"'),
    (["evaluate", *SCORED, "--window", "1"], "--window is 1, but must be at least 2"),
    (["evaluate", *SCORED, "-o", "none/a.json"], "output none/a.json cannot be written"),
    (["evaluate", *SCORED, "--limit", "3"], "--limit is 3, but means nothing without --tasks or"),
    (
        ["evaluate", *SCORED, "--batch-size", "2"],
        "--batch-size is 2, but means nothing without --t",
    ),
    (["evaluate", *MODEL, "--tasks", "piqa", "--skip", "3"], "--skip is 3, but means nothing with"),
    (["evaluate", *SCORED, "--seed", "-1"], "--seed is -1, but must be at least 0"),
    (["evaluate", *SCORED, "-o", "text.txt"], "--output is text.txt, but --text names that too"),
    (["convert", *SCORED, "--config", "tiny", "-o", "/proc/hw"], "output /proc/hw cannot be writ"),
    (["convert", *MODEL, *HEAD], "every start is fitted on texts: give them with --text"),
    (["convert", *SCORED, "--config", "tinyy", "-o", "hw"], 'config "tinyy" is neither a file'),
    (["convert", *SCORED, *HEAD, "--layers", "x"], "--layers is x, but must be a list such as"),
    (["convert", *SCORED, *HEAD, "--layers", "auto:0"], "--layers is auto:0, but auto: needs a"),
    (["convert", *MODEL, *HEAD, "--text", "none.txt"], "text none.txt cannot be read: No such"),
    (["convert", *TEXT, *HEAD, "--model", "empty"], "empty is a folder without config.json"),
    (["convert", *SCORED, *HEAD, "--windows", "0"], "--windows is 0, but must be at least 1"),
    (["perplexity", "--model", "none.gguf", *TEXT], "none.gguf is not a file"),
    (["perplexity", *MODEL, "--text", "none.txt"], "text none.txt cannot be read"),
    (["perplexity", *SCORED, "--windows", "0"], "--windows is 0, but must be at least 1"),
    (["perplexity", *SCORED, "--skip", "-1"], "--skip is -1, but must be at least 0"),
    ([*CODES, "--heads", "0"], "--heads is 0, but must be a list such as"),
    ([*CODES, "--heads", "0:0", "--tokens", "0"], "--tokens is 0, but must be at least 1"),
    ([*CODES, "--heads", "0:0", "-o", "text.txt"], "--output is text.txt, but --text names that"),
    ([*CODES, "--heads", "0:0", "-o", "run.toml"], "run.toml is a file, but must be a folder"),
    ([*CODES, "--heads", "0:0", "-o", "/proc/codes"], "output /proc/codes cannot be written"),
    ([*CODES, "--heads", "0:0", "--text", "none.txt"], "text none.txt cannot be read"),
    ([*TOKENS, "-o", "tokens.json"], "tokens.json must not end with .json"),
    ([*TOKENS, "--column", "a"], "--column is of a data set, but means nothing without --hub"),
    ([*TOKENS, "-o", "text.txt"], "--output is text.txt, but --text names that too"),
    ([*TOKENS, "--text", "none.txt"], "text none.txt cannot be read"),
    ([*TOKENS, "--model", "empty"], "empty is a folder without config.json"),
    (["generate", *SPOKEN, "--tokens", "-1"], "--tokens is -1, but must be at least 0"),
    (["generate", *SPOKEN, "--seed", "-1"], "--seed is -1, but must be at least 0"),
    (["generate", *SPOKEN, "--rtl", ""], "--rtl is '', but must be a list such as"),
    (["generate", *SPOKEN, "--rtl", "0"], "--rtl is 0, but must be a list such as"),
    (["generate", *MODEL, "--prompt-file", "none.txt"], "text none.txt cannot be read"),
    (["generate", "--model", "empty", "--prompt", "a"], "empty is a folder without config.json"),
    (["finetune", "none.toml"], "run file none.toml cannot be read"),
    (["finetune", "run.toml"], "text none.txt cannot be read"),
    (["demo-ml", "--seed", "-1"], "--seed is -1, but must be at least 0"),
    (["demo-ml", "-o", "text.txt"], "output text.txt is a file, but must be a folder"),
    (["bench-gpu", "--device", "tpu"], '--device is "tpu", but must be cuda or cpu'),
    (["bench-gpu", "--dtype", "int8"], '--dtype is "int8", but must be float16 or'),
    (["bench-gpu", "--heads", "0"], "--heads is 0, but must be at least 1"),
    (["bench-gpu", "--batches", "1,x"], '--batches is "1,x", but must be whole numbers'),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Status, standard error and heavy modules after each of ``REFUSED``, all in one process."""
    folder = tmp_path_factory.mktemp("refused")
    for name in ("model", "empty"):
        (folder / name).mkdir()
    (folder / "model" / "config.json").write_text("{}")
    (folder / "text.txt").write_text("a text")
    (folder / "run.toml").write_text(
        '[run]\nfolder = "run"\n[model]\nname = "model"\n[data]\ntext = "none.txt"\n'
        "[nonlinear]\nsteps = 1\n"
    )
    before = sorted(folder.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps([line for line, _ in REFUSED]),
        cwd=folder,
        env=os.environ | {"RANK": "0"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(folder.rglob("*")) == before
    return json.loads(done.stdout)


@pytest.mark.needs("ml")
@pytest.mark.parametrize("case", range(len(REFUSED)), ids=lambda case: " ".join(REFUSED[case][0]))
def test_a_wrong_option_is_refused_without_torch(told, case):
    _, sentence = REFUSED[case]
    status, said, heavy = told[case]
    assert status == 2
    assert said.startswith("gaincell: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert not heavy

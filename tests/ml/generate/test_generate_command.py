"""gaincell generate: text with heads in Verilog, and how it refuses."""

import json
import os
import re
import shutil

import pytest

from gaincell.cli import main
from gaincell.rtl_server.client import RtlHeads

pytestmark = pytest.mark.usefixtures("quiet_transformers")
PROMPT = "w1 w2 w3 w4 w5 w6 w7 w8 w9"


@pytest.fixture(scope="module")
def hardware(stock_folder, tmp_path_factory):
    """A model with layers 0 and 2 on the arrays, in hw/, and the stock one; not to be changed."""
    folder = tmp_path_factory.mktemp("hardware")
    shutil.copytree(stock_folder, folder, dirs_exist_ok=True)
    text, head = f"{folder}/text.txt", f"{folder}/head.toml"
    options = ["--config", head, "--window", "40", "--layers", "0,2", "--init", "ranges"]
    options += ["-o", f"{folder}/hw"]
    assert main(["convert", "--model", f"{folder}/stock", "--text", text, *options]) == 0
    return folder


def command(folder, *more, prompt=PROMPT):
    chosen = [] if prompt is None else ["--prompt", prompt]
    return ["generate", "--model", f"{folder}/hw", *chosen, "--tokens", "14", *more]


def generated(folder, capsys, *more, status=0):
    capsys.readouterr()
    assert main(command(folder, *more)) == status
    return capsys.readouterr().out


@pytest.mark.cosim
@pytest.mark.parametrize("heads", ["0:1,2:0,2:3", "all"])
def test_codes_of_the_verilog_are_those_of_torch(hardware, tmp_path, capsys, heads):
    path = tmp_path / "found.json"
    printed = generated(hardware, capsys, "--rtl", heads, "-o", str(path))
    count = 8 if heads == "all" else 3
    codes = count * 16 * (9 + 13)
    assert re.search(rf"codes +0 of {codes} differ from torch", printed)
    assert re.search(r"torch alone +the same text", printed)
    assert re.search(rf"heads in RTL +{count}\n", printed)
    found = json.loads(path.read_text())
    assert found["text"] == printed.split("\n\n")[0]
    assert found["ids"] == found["torch"]["ids"]
    assert found["agreement"]["codes"] == codes
    assert len(found["ids"]) == 9 + 14


@pytest.mark.cosim
def test_text_without_rtl_is_the_same(hardware, capsys):
    alone = generated(hardware, capsys)
    served = generated(hardware, capsys, "--rtl", "0:0")
    assert alone.split("\n\n")[0] == served.split("\n\n")[0]
    assert "RTL" not in alone


@pytest.mark.cosim
def test_a_prompt_from_a_file_is_only_scored(hardware, tmp_path, capsys):
    (tmp_path / "prompt.txt").write_text(PROMPT)
    asked = command(hardware, "--prompt-file", f"{tmp_path}/prompt.txt", prompt=None)
    asked[asked.index("--tokens") + 1] = "0"
    capsys.readouterr()
    assert main([*asked, "--rtl", "2:2"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"tokens +9 of the prompt, 0 new", printed)
    assert re.search(r"codes +0 of 144 differ", printed)


@pytest.mark.cosim
def test_faults_are_told_and_are_no_failure(hardware, capsys):
    faults = ["--faults", "gain_mismatch=0.4,read_noise=0.05", "--rtl", "all"]
    printed = generated(hardware, capsys, *faults)
    assert re.search(r"codes +[1-9]\d* of \d+ differ from torch", printed)
    assert re.search(
        r"first difference +layer 0, head \d, token \d+, dimension \d+: torch", printed
    )
    assert re.search(r"code error +mean 0?\.?[\d.]+, largest [1-9]", printed)
    codes = r"codes +(\d+) of"
    again = generated(hardware, capsys, *faults)
    assert re.findall(codes, again) == re.findall(codes, printed)


@pytest.mark.cosim
def test_cells_leak_while_a_token_waits(hardware, capsys):
    printed = generated(hardware, capsys, "--wait-us", "40", "--rtl", "0:0")
    assert re.search(r"codes +\d+ of \d+ differ from torch", printed)


@pytest.mark.cosim
def test_a_server_that_dies_costs_no_token(hardware, capsys, monkeypatch):
    attend, calls = RtlHeads.attend, []

    def sometimes(self, *asked):
        calls.append(asked)
        if len(calls) == 7:
            os.kill(self.pids[0], 9)
        return attend(self, *asked)

    monkeypatch.setattr(RtlHeads, "attend", sometimes)
    printed = generated(hardware, capsys, "--rtl", "all")
    assert re.search(r"codes +0 of \d+ differ", printed)
    assert re.search(r"servers that died +1, all tokens replayed", printed)


@pytest.mark.cosim
def test_codes_that_differ_are_exit_status_1(hardware, capsys, monkeypatch):
    attend = RtlHeads.attend

    def wrong(self, *asked):
        y = attend(self, *asked)
        y[0, -1, 3] += 1
        return y

    monkeypatch.setattr(RtlHeads, "attend", wrong)
    printed = generated(hardware, capsys, "--rtl", "0:2", status=1)
    assert "first difference  layer 0, head 2, token 8, dimension 3: torch" in re.sub(
        r"first difference +", "first difference  ", printed
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--rtl", "1:0"], 'layer 1 is of kind "stock", not "hardware"'),
        (["--rtl", "0:4"], "head 4 is not there: layer 0 has 0..3"),
        (["--rtl", "0"], "--rtl is 0, but must be a list such as 10:0,12:4"),
        (["--faults", "read_noise=1"], "of heads in RTL: choose some with --rtl"),
        (["--rtl", "all", "--faults", "nois=1"], "unknown key"),
        (["--rtl", "all", "--wait-us", "70"], "--wait-us is 70.0, but must be 0..65.535"),
        (["--temperature", "-1"], "--temperature is -1, but must be finite and at least 0"),
        (["--tokens", "-1"], "--tokens is -1, but must be at least 0"),
        (["--tokens", "120"], "--tokens is 120 after a prompt of 9, but the model has positions"),
        (["--model", "stock"], "is not on hardware: convert it first"),
        (["-o", "nowhere/found.json"], "cannot be written"),
    ],
)
def test_wrong_input_is_one_sentence(hardware, capsys, more, message):
    asked = command(hardware, *more)
    if "stock" in more:
        asked[asked.index("stock")] = f"{hardware}/stock"
    capsys.readouterr()
    assert main(asked) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert message in said.err


def test_an_empty_prompt_is_refused(hardware, capsys):
    capsys.readouterr()
    assert main(command(hardware, prompt="")) == 2
    assert "the prompt is empty" in capsys.readouterr().err


@pytest.mark.parametrize("own", [None, "ACTIVE"])
def test_threads_of_torch_leave_the_cpus_to_the_servers(hardware, capsys, monkeypatch, own):
    monkeypatch.setenv("OMP_WAIT_POLICY", own or "")
    if own is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    # The variable counts when torch is loaded, so before the model is looked at.
    stock = ["generate", "--model", f"{hardware}/stock", "--prompt", PROMPT, "--rtl", "0:0"]
    assert main(stock) != 0
    assert "is not on hardware" in capsys.readouterr().err
    assert os.environ["OMP_WAIT_POLICY"] == (own or "PASSIVE")

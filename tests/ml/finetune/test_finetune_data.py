"""Tokens of texts, token files and data sets, and the order in which windows are read."""

import json
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from finetune_runs import make_folder, tokenizer

from gaincell.cli import main
from gaincell.ml.finetune.data.sources import tokens_of, vocabulary_of
from gaincell.ml.finetune.data.token_file import description_of, read_tokens, write_tokens
from gaincell.ml.finetune.data.windows import Windows, fingerprint, first_windows
from gaincell.ml.finetune.settings import Source
from gaincell.refusals import Unable

pytestmark = pytest.mark.usefixtures("quiet_transformers")

TEXT = " ".join(f"w{each % 50}" for each in range(0, 300, 3))
IDS = np.arange(0, 300, 3) % 50


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path.parent / "cache")
    # A name is else looked up on the network, five times if there is none.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    Path("text.txt").write_text(TEXT)


def tokens(vocabulary=50, **keys):
    return tokens_of(Source(**keys), tokenizer(), vocabulary)


def write(ids=IDS, vocabulary=50, name="t.bin"):
    return write_tokens(Path(name), np.array_split(ids, 3), vocabulary, "words")


@pytest.mark.parametrize(("vocabulary", "dtype"), [(50, "<u2"), (1 << 16, "<u2"), (65537, "<u4")])
def test_a_token_file_is_little_endian_numbers_and_a_description(vocabulary, dtype):
    ids = np.array([0, 3, vocabulary - 1, 7])
    write(ids, vocabulary)
    assert Path("t.bin").read_bytes() == ids.astype(dtype).tobytes()
    found, about = read_tokens(Path("t.bin"))
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, ids)
    assert (about.tokens, about.vocabulary, about.tokenizer) == (4, vocabulary, "words")
    assert np.dtype(about.dtype) == np.dtype(dtype)


@pytest.mark.parametrize(
    ("ids", "sentence"), [([], "the text has no tokens"), ([3, 50], r"a token is not 0\.\.49")]
)
def test_a_token_file_is_written_whole_or_not_at_all(ids, sentence):
    with pytest.raises(ValueError, match=sentence):
        write(np.array(ids, dtype=np.int64))
    assert sorted(each.name for each in Path().iterdir()) == ["text.txt"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tokens": 99}, "has 200 bytes, but 99 tokens of uint16 are 198"),
        ({"dtype": "uint8"}, "dtype is 'uint8', but must be uint16 or uint32"),
        ({"vocabulary": 0}, "vocabulary is 0, but must be at least 1"),
        ({"tokens": "a"}, "tokens is 'a', but must be a whole number"),
        ({"tokenizer": 3}, "tokenizer is 3, but must be a string"),
        ({"more": 1}, "does not describe a token file"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(change, sentence):
    write()
    path = description_of(Path("t.bin"))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=sentence):
        read_tokens(Path("t.bin"))


@pytest.mark.parametrize("gone", ["t.bin", "t.json"])
def test_both_files_of_a_token_file_are_needed(gone):
    write()
    Path(gone).unlink()
    with pytest.raises(ValueError, match=rf"t\.bin cannot be read: No such file.*{gone}"):
        read_tokens(Path("t.bin"))


def test_text_and_token_file_give_the_same_tokens():
    write()
    for keys in ({"text": "text.txt"}, {"token_file": "t.bin"}):
        np.testing.assert_array_equal(tokens(**keys), IDS)
        np.testing.assert_array_equal(tokens(**keys, skip=20, tokens=30), IDS[20:50])


def test_a_folder_of_a_data_set_is_read_up_to_what_is_wanted():
    Path("set").mkdir()
    rows = [{"body": "w1 w2"}, {"body": "w3"}, {"body": "w4 w5 w6"}]
    Path("set/train.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    assert tokens(hub="set", column="body").tolist() == [1, 2, 3, 4, 5, 6]
    assert tokens(hub="set", column="body", skip=1, tokens=2).tolist() == [2, 3]
    ending = tokenizer()
    ending.eos_token = "w9"
    found = tokens_of(Source(hub="set", column="body"), ending, 50)
    assert found.tolist() == [1, 2, 9, 3, 9, 4, 5, 6, 9]
    with pytest.raises(ValueError, match="data set set has no column text, but body"):
        tokens(hub="set")


def test_a_hubs_data_set_is_asked_for_by_name(monkeypatch):
    asked = []

    def load(*names, **options):
        asked.append((names, options))
        return datasets.Dataset.from_dict({"text": ["w1", "w2 w3"]})

    monkeypatch.setattr(datasets, "load_dataset", load)
    assert tokens(hub="a/b", subset="c", split="validation").tolist() == [1, 2, 3]
    assert asked == [(("a/b", "c"), {"split": "validation"})]


def test_a_data_set_that_cannot_be_reached_is_one_sentence(monkeypatch):
    def fail(*_, **__):
        raise ConnectionError("Couldn't reach 'a/b' on the Hub (OfflineModeIsEnabled)\nmore")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(Unable, match=r"set a/b cannot be loaded: .* no hub answers") as caught:
        tokens(hub="a/b")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"text": "none.txt"}, "text none.txt cannot be read: No such file"),
        ({"text": "bad.txt"}, "text bad.txt is UTF-16"),
        ({"text": "text.txt", "skip": 100}, "text text.txt has 100 tokens, but skip is 100"),
        ({"text": "text.txt", "skip": 90, "tokens": 11}, "but skip is 90 and tokens is 11"),
        ({"text": "text.txt", "vocabulary": 20}, "has token 49, but the model's vocabulary is 20"),
        ({"token_file": "t.bin", "vocabulary": 20}, "tokens up to 49, but the model's vocabulary"),
        ({"token_file": "other.bin"}, "is of tokenizer words with 60 tokens, but the model's has"),
        ({"hub": "text.txt"}, "data set text.txt cannot be loaded: "),
    ],
)
def test_wrong_sources_are_one_sentence(keys, sentence):
    Path("bad.txt").write_bytes(b"\xff\xfe")
    write()
    write(vocabulary=60, name="other.bin")
    with pytest.raises(ValueError, match=sentence):
        tokens(**keys)


def test_each_pass_reads_every_window_once_in_an_order_of_its_own():
    stream = Windows(np.arange(75), 10, seed=4, first=0, count=21)
    assert len(stream) == 21
    begins = [int(stream[index]["input_ids"][0]) for index in range(21)]
    passes = [begins[:7], begins[7:14], begins[14:]]
    assert all(sorted(each) == [0, 10, 20, 30, 40, 50, 60] for each in passes)
    assert len({tuple(each) for each in passes}) == 3
    assert stream[5]["input_ids"].tolist() == list(range(begins[5], begins[5] + 10))


def test_a_sample_is_the_same_whoever_asks():
    ids = np.arange(300, dtype=np.uint16)
    stream = Windows(ids, 10, seed=4, first=0, count=70)
    later = Windows(ids, 10, seed=4, first=33, count=5)
    assert torch.equal(later[2]["input_ids"], stream[35]["input_ids"])
    other = Windows(ids, 10, seed=5, first=0, count=70)
    assert any(not torch.equal(other[n]["input_ids"], stream[n]["input_ids"]) for n in range(30))


def test_too_few_tokens_are_said():
    with pytest.raises(ValueError, match="the data has 9 tokens, but a window needs 10"):
        Windows(np.arange(9), 10, 0, 0, 1)
    with pytest.raises(ValueError, match="x asks for 3 windows of 10 tokens, but 29 tokens make 2"):
        first_windows(np.arange(29), 10, 3, "x")
    assert first_windows(np.arange(29, dtype=np.uint16), 10, None, "x").shape == (2, 10)


def test_a_fingerprint_tells_changed_data():
    ids = np.arange(40)
    assert fingerprint(ids) == fingerprint(ids.astype(np.uint16))
    assert fingerprint(ids) != fingerprint(ids[::-1])
    assert fingerprint(ids) != fingerprint(ids[:-1])


def test_the_command_writes_what_finetune_reads(capsys):
    make_folder(Path())
    assert main(["tokens", "--model", "gpt2", "--text", "text.txt", "-o", "x.bin"]) == 0
    assert "1200 of gpt2, 50 different ones" in capsys.readouterr().out
    np.testing.assert_array_equal(tokens(token_file="x.bin"), tokens(text="text.txt"))
    assert vocabulary_of(tokenizer()) == 50
    Path("set").mkdir()
    Path("set/a.jsonl").write_text('{"body": "w1 w2"}\n{"body": "w3"}')
    hub = ["--hub", "set", "--column", "body", "-o", "y.bin"]
    assert main(["tokens", "--model", "gpt2", *hub]) == 0
    assert tokens(token_file="y.bin").tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "gpt2", "--text", "none"], "text none cannot be read"),
        (["--model", "none.gguf", "--text", "text.txt"], "none.gguf is not a file"),
        (["--model", "gpt2", "--text", "text.txt", "-o", "a/b.bin"], "a/b.bin cannot be written"),
        (["--model", "gpt2", "--text", "text.txt", "-o", "b.json"], "must not end with .json"),
    ],
)
def test_the_command_refuses_in_one_sentence(capsys, options, sentence):
    make_folder(Path())
    before = sorted(Path().rglob("*"))
    assert main(["tokens", "-o", "x.bin", *options]) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(Path().rglob("*")) == before

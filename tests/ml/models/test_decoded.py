"""GGUF files are decoded once: later loads read the cache, and an entry is whole or not used."""

import errno
import os
import subprocess
import sys
import time

import pytest
import torch
from tiny_gguf import WORDS, write_model

from gaincell.ml.models import load
from gaincell.ml.models.load import load_model, load_tokenizer
from gaincell.ml.models.saved import decoded

pytestmark = pytest.mark.usefixtures("quiet_transformers")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def file(tmp_path):
    return write_model(tmp_path / "tiny.gguf", 1)


def assert_same(one, other):
    (model, tokenizer), (again, words) = one, other
    weights, others = model.state_dict(), again.state_dict()
    assert weights.keys() == others.keys()
    assert all(torch.equal(each, others[name]) for name, each in weights.items())
    ids = torch.arange(20)[None] % len(WORDS)
    with torch.no_grad():
        assert torch.equal(model(ids).logits, again(ids).logits)
    assert model.config.to_dict() == again.config.to_dict()
    assert (type(model), model.dtype, model.training) == (type(again), again.dtype, False)
    assert tokenizer.get_vocab() == words.get_vocab()
    assert tokenizer("abcab zz")["input_ids"] == words("abcab zz")["input_ids"]
    assert tokenizer.name_or_path == words.name_or_path == model.name_or_path


@pytest.fixture
def decodings(monkeypatch):
    """Names of the models that were decoded."""
    done, own = [], load._decoded
    monkeypatch.setattr(load, "_decoded", lambda name, *rest: done.append(name) or own(name, *rest))
    return done


def entries(cache):
    return sorted(path.name for path in cache.iterdir())


def test_a_second_load_reads_what_the_first_one_decoded(cache, file, decodings):
    first = load_model(file)
    assert_same(first, load_model(str(file)))
    assert decodings == [file]
    assert len(entries(cache)) == 1
    assert first[0].name_or_path == str(file.parent)
    assert load_tokenizer(file).get_vocab() == first[1].get_vocab()


def test_the_cache_changes_no_bit(cache, file, monkeypatch):
    kept = load_model(file)
    assert load_model(file)[0].model.layers[0].mlp.up_proj.weight.unique().numel() > 1000
    monkeypatch.setattr(load, "entry_of", lambda _: None)
    plain = load_model(file)
    others = plain[0].state_dict()
    assert all(torch.equal(each, others[name]) for name, each in kept[0].state_dict().items())
    assert plain[1].get_vocab() == kept[1].get_vocab()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_another_type_is_read_from_the_same_entry(cache, file, decodings, monkeypatch, dtype):
    load_model(file)
    found = load_model(file, dtype)[0]
    assert decodings == [file]
    monkeypatch.setattr(load, "entry_of", lambda _: None)
    others = load_model(file, dtype)[0].state_dict()
    assert found.dtype == dtype
    assert all(torch.equal(each, others[name]) for name, each in found.state_dict().items())


def test_a_copy_of_the_file_shares_its_entry_and_another_content_does_not(
    cache, file, tmp_path, decodings
):
    load_model(file)
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(file.read_bytes())
    load_model(copy)
    assert decodings == [file]
    before = file.stat()
    write_model(file, 2)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    changed = load_model(file)[0]
    assert decodings == [file, file]
    assert not torch.equal(changed.lm_head.weight, load_model(copy)[0].lm_head.weight)


def replace(path, data):
    """With a new file: a loaded model's weights are still those of the old one."""
    path.unlink()
    path.write_bytes(data)


def flip(path):
    data = bytearray(path.read_bytes())
    data[-5] ^= 16
    replace(path, data)


def cut(path):
    replace(path, path.read_bytes()[:-5])


@pytest.mark.parametrize("harm", [flip, cut, lambda path: path.unlink()])
@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "sums.json"]
)
def test_a_damaged_entry_is_made_again(cache, file, decodings, harm, name):
    first = load_model(file)
    (entry,) = cache.iterdir()
    harm(entry / name)
    assert_same(first, load_model(file))
    assert decodings == [file, file]
    assert_same(first, load_model(file))
    assert decodings == [file, file]
    assert entries(cache) == [entry.name]


def test_an_entry_that_the_library_cannot_read_is_made_again(cache, file, decodings):
    first = load_model(file)
    (entry,) = cache.iterdir()
    (entry / "config.json").write_text("{}")
    (entry / "tokenizer.json").write_text("[]")
    (entry / "sums.json").write_text("{}")
    assert load_tokenizer(file).get_vocab() == first[1].get_vocab()
    assert not entry.exists()
    assert_same(first, load_model(file))
    assert decodings == [file, file]


def test_the_cache_can_be_removed(cache, file, decodings):
    first = load_model(file)
    decoded.remove_folder(cache)
    assert_same(first, load_model(file))
    assert decodings == [file, file]


def no_room(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_model_and_no_rest(cache, file, monkeypatch, decodings):
    monkeypatch.setattr("transformers.PreTrainedTokenizerFast.save_pretrained", no_room)
    monkeypatch.setattr("transformers.PreTrainedTokenizerBase.save_pretrained", no_room)
    for _ in range(2):
        assert load_model(file)[0].config.num_hidden_layers == 2
    assert decodings == [file, file]
    assert entries(cache) == []


def test_a_model_without_room_is_not_kept(cache, file, monkeypatch):
    monkeypatch.setattr(decoded, "PART_OF_FREE", 1 << 60)
    load_model(file)
    assert entries(cache) == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_folder_that_cannot_be_made_leaves_the_model(file, tmp_path, monkeypatch, dtype):
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("GAINCELL_CACHE", str(tmp_path / "taken" / "cache"))
    assert load_model(file, dtype)[0].dtype == dtype


def test_a_user_without_a_home_loads_too(file, monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.setattr(decoded, "cache_folder", homeless)
    assert load_model(file)[0].config.num_hidden_layers == 2
    assert set(WORDS) <= load_tokenizer(file).get_vocab().keys()


def test_models_used_last_are_kept_and_rests_of_killed_processes_are_not(
    cache, tmp_path, decodings
):
    files = [write_model(tmp_path / f"{seed}.gguf", seed) for seed in range(4)]
    for file in files[:3]:
        load_model(file)
    old, young = cache / ".unfinished-old", cache / ".unfinished-young"
    for path in (old, young):
        path.mkdir()
    for age, path in enumerate(sorted(cache.glob("gguf-*"))):
        os.utime(path, (time.time() - 100 - age,) * 2)
    os.utime(old, (time.time() - 2 * decoded.ABANDONED_S,) * 2)
    load_model(files[0])
    load_model(files[3])
    assert decodings == files
    assert len(list(cache.glob("gguf-*"))) == decoded.MOST_ENTRIES
    assert (old.exists(), young.exists()) == (False, True)
    load_model(files[0])
    assert decodings == files


def test_processes_that_decode_at_once_leave_one_entry(cache, file):
    program = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "from gaincell.ml.models.load import load_model\n"
        "print(float(load_model(sys.argv[1])[0].lm_head.weight.detach().double().sum()))"
    )
    command = [sys.executable, "-c", program, str(file)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {each.communicate()[0] for each in running}
    assert [each.returncode for each in running] == [0] * 3
    assert said == {f"{float(load_model(file)[0].lm_head.weight.detach().double().sum())}\n"}
    assert len(entries(cache)) == 1

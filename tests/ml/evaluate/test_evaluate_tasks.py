"""Scores of lm-eval's tasks against the definitions, from the model's own log-likelihoods."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import HEAD, MODELS, tokens
from tiny_tasks import EXAMPLES, SPLITS, documents, tokenizer, write_tasks

from gaincell.behavioral.faults import Faults
from gaincell.ml.evaluate.baselines import attending
from gaincell.ml.evaluate.scoring import score
from gaincell.ml.evaluate.tasks import Task, Tasks
from gaincell.ml.models.convert import convert
from gaincell.ml.start.ranges import fit_ranges

# Hundreds of sequences through lm-eval, seconds in all.
pytestmark = pytest.mark.slow

WORDS = tokenizer(eos_token="w49")
ROWS = ["converted", "stock", "linear-kernel"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    write_tasks(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    """Of converted data files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        yield


@pytest.fixture(scope="module")
def tasks(folder):
    return {task.name: task for task in Tasks(folder=folder).load()}


@pytest.fixture(scope="module")
def model():
    # Small, for hundreds of sequences: one layer on arrays, of two sub-tiles.
    stock = MODELS["llama"]()
    stock.model.layers, stock.config.num_hidden_layers = stock.model.layers[:2], 2
    model = convert(stock, replace(HEAD, columns=16), layers=[0])
    fit_ranges(model, tokens(2, 40))
    return model


@torch.no_grad()
def likelihood(model, context, continuation):
    """Sum over the continuation's words, nats, and whether each is the likeliest."""
    ids = torch.tensor([WORDS(f"{context} {continuation}").input_ids])
    count = len(WORDS(continuation).input_ids)
    given = model(ids[:, :-1], use_cache=False).logits[0, -count:].log_softmax(1)
    wanted = ids[0, -count:]
    return float(given[range(count), wanted].sum()), bool((given.argmax(1) == wanted).all())


def mean_and_error(values):
    values = np.array(values, dtype=float)
    return values.mean(), values.std(ddof=1) / math.sqrt(len(values))


def chosen(model, questions):
    """acc and acc_norm of (context, choices, right one)."""
    plain, by_length = [], []
    for context, choices, right in questions:
        found = [likelihood(model, context, choice)[0] for choice in choices]
        plain.append(np.argmax(found) == right)
        lengths = [len(choice) for choice in choices]
        by_length.append(np.argmax(np.array(found) / lengths) == right)
    return {"acc": mean_and_error(plain), "acc_norm": mean_and_error(by_length)}


def question(name, doc):
    """Context, choices and the right one of a document."""
    if name == "piqa":
        return f"Question: {doc['goal']}\nAnswer:", [doc["sol1"], doc["sol2"]], doc["label"]
    if name == "hellaswag":
        context = f"{doc['activity_label']}: {doc['ctx_a']} {doc['ctx_b'].capitalize()}"
        return context, doc["endings"], int(doc["label"])
    right = doc["choices"]["label"].index(doc["answerKey"])
    return f"Question: {doc['question']}\nAnswer:", doc["choices"]["text"], right


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("name", ["arc_easy", "arc_challenge", "piqa", "hellaswag"])
def test_choices(tasks, model, name, row):
    with attending(model, row):
        found = score(model, WORDS, tasks[name], batch_size=8)
        wanted = chosen(model, [question(name, doc) for doc in documents(name)])
    assert found.examples == EXAMPLES
    for metric, values in wanted.items():
        assert found.metrics[metric] == pytest.approx(values, rel=1e-12)
    assert found.main == ("acc_norm" if name in ("arc_challenge", "hellaswag") else "acc")


@pytest.mark.parametrize("row", ROWS)
def test_winogrande_scores_what_follows_the_blank(tasks, model, row):
    right = []
    with attending(model, row):
        found = score(model, WORDS, tasks["winogrande"], batch_size=2)
        for doc in documents("winogrande"):
            before, after = doc["sentence"].split("_")
            two = [likelihood(model, before + doc[f"option{n}"], after.strip())[0] for n in (1, 2)]
            right.append(np.argmax(two) == int(doc["answer"]) - 1)
    assert found.metrics["acc"] == pytest.approx(mean_and_error(right), rel=1e-12)


@pytest.mark.parametrize("row", ROWS)
def test_lambada_scores_the_last_word(tasks, model, row):
    with attending(model, row):
        found = score(model, WORDS, tasks["lambada_openai"], batch_size=4)
        last = [
            likelihood(model, *doc["text"].rsplit(" ", 1)) for doc in documents("lambada_openai")
        ]
    nats = [each for each, _ in last]
    value, error = found.metrics["perplexity"]
    assert value == pytest.approx(math.exp(-np.mean(nats)), rel=1e-9)
    assert error == pytest.approx(value * np.std(nats) / math.sqrt(EXAMPLES), rel=0.3)
    assert found.metrics["acc"] == pytest.approx(mean_and_error([best for _, best in last]))
    assert found.main == "acc"


@torch.no_grad()
def rolling(model, text, length):
    """Nats of all words of a text, each predicted once, ``length`` words read at most."""
    ids = WORDS(text).input_ids
    total, done, begin = 0.0, 0, [WORDS.eos_token_id]
    while done < len(ids):
        end = min(done + length, len(ids))
        # Each window begins with one word given; the last one, if short, with as many as fit.
        if done:
            begin = ids[end - length - 1 : done] if end == len(ids) else ids[done - 1 : done]
        given = model(torch.tensor([begin + ids[done : end - 1]]), use_cache=False).logits[0]
        given = given[len(begin) - 1 :].log_softmax(1)
        total += float(given[range(end - done), ids[done:end]].sum())
        done = end
    return total


@pytest.mark.parametrize("row", ROWS)
def test_wikitext_reads_whole_pages(tasks, model, row):
    with attending(model, row):
        found = score(model, WORDS, tasks["wikitext"], batch_size=2, max_length=16)
        pages = [doc["page"] for doc in documents("wikitext")]
        nats = sum(rolling(model, page, 16) for page in pages)
    words = sum(len(re.split(r"\s+", page)) for page in pages)
    size = sum(len(page.encode()) for page in pages)
    value, error = found.metrics["word_perplexity"]
    assert value == pytest.approx(math.exp(-nats / words), rel=1e-9)
    assert error is None
    assert found.metrics["bits_per_byte"][0] == pytest.approx(-nats / size / math.log(2), rel=1e-9)
    assert found.main == "word_perplexity"


@pytest.mark.parametrize("name", SPLITS)
def test_batches_change_nothing(tasks, model, name):
    one, many = (score(model, WORDS, tasks[name], batch_size=size) for size in (1, 5))
    assert one.main == many.main
    for metric, (value, _) in one.metrics.items():
        assert many.metrics[metric][0] == pytest.approx(value, rel=1e-9)


def test_a_limit_takes_the_first_examples(tasks, model):
    found = score(model, WORDS, tasks["lambada_openai"], limit=3)
    docs = documents("lambada_openai")[:3]
    nats = [likelihood(model, *doc["text"].rsplit(" ", 1))[0] for doc in docs]
    assert found.examples == 3
    assert found.metrics["perplexity"][0] == pytest.approx(math.exp(-np.mean(nats)), rel=1e-9)


def test_few_shot_examples_are_the_same_for_every_row(folder, model):
    (task,) = Tasks(["lambada_openai"], folder).load(few_shot=2)
    read = []
    hook = model.register_forward_pre_hook(
        lambda _, args, kwargs: read.append([*args, *kwargs.values()][0].shape[1]), with_kwargs=True
    )
    scores = [score(model, WORDS, task).metrics for _ in range(2)]
    hook.remove()
    assert task.few_shot == 2
    assert scores[0] == scores[1]
    assert read[: len(read) // 2] == read[len(read) // 2 :]
    longest = max(len(doc["text"].split()) for doc in documents("lambada_openai"))
    assert max(read) > longest + 2 * 5


def test_the_tokenizer_and_the_terminal_stay_as_they_were(tasks, model, capfd):
    assert WORDS.pad_token is None
    score(model, WORDS, tasks["piqa"])
    assert WORDS.pad_token is None
    assert capfd.readouterr() == ("", "")


def test_progress_counts_sequences(tasks, model, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, total, desc, **options):
            self.total, self.desc, self.count = total, desc, 0
            bars.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def update(self, count):
            self.count += count
            return True  # as tqdm does where it draws

    monkeypatch.setattr("gaincell.ml.evaluate.scoring.tqdm", Bar)
    score(model, WORDS, tasks["lambada_openai"], batch_size=3, label="stock: lambada_openai")
    score(model, WORDS, tasks["wikitext"], max_length=16, limit=2)
    score(model, WORDS, tasks["winogrande"], limit=3)
    assert [(bar.total, bar.desc) for bar in bars] == [
        (EXAMPLES, "stock: lambada_openai"),
        (None, ""),
        (6, ""),
    ]
    assert bars[0].count == EXAMPLES
    pages = [len(doc["page"].split()) for doc in documents("wikitext")[:2]]
    assert bars[1].count == sum(math.ceil(words / 16) for words in pages)


def test_faults_move_a_score(tasks, model):
    found = []
    for faults in (None, Faults(gain_mismatch=0.2, write_error_v=0.05)):
        with attending(model, "hardware", faults):
            found.append(score(model, WORDS, tasks["lambada_openai"]).metrics["perplexity"][0])
    assert found[0] != found[1]


@pytest.mark.parametrize("name", SPLITS)
def test_a_tokenizer_without_a_token_between_texts_is_refused(tasks, model, name):
    with pytest.raises(ValueError, match=f"{name} needs a token that begins or ends a text"):
        score(model, tokenizer(), tasks[name])


def test_generation_with_faults_is_refused():
    generating = type("Own", (), {"OUTPUT_TYPE": "generate_until"})()
    task = Task("gsm8k", generating, "lm-eval")
    task.check(WORDS)
    with pytest.raises(ValueError, match="gsm8k generates text, but arrays with faults do not"):
        task.check(WORDS, faulty=True)


def test_code_of_the_model_is_not_run():
    unsafe = type("Own", (), {"OUTPUT_TYPE": "generate_until", "UNSAFE_CODE": True})()
    task = Task("humaneval", unsafe, "lm-eval")
    with pytest.raises(ValueError, match="humaneval runs code that the model writes"):
        task.check(WORDS)


def test_an_error_of_the_model_is_no_fault_of_the_task(tasks, model, monkeypatch):
    def broken(*arguments, **options):
        raise KeyError("no such weight\nsecond line")

    monkeypatch.setattr(model, "forward", broken)
    with pytest.raises(KeyError, match="no such weight"):
        score(model, WORDS, tasks["piqa"])

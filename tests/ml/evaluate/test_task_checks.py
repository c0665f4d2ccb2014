"""Tasks that cannot be scored, or would be scored wrongly: one sentence before a model reads."""

import json

import pytest
from tiny_models import MODELS
from tiny_tasks import tokenizer, write_tasks

from gaincell.ml.evaluate.scoring import score
from gaincell.ml.evaluate.tasks import Tasks

DATA = [{"q": "w1 w2", "c": ["w3", "w4"], "a": number % 2} for number in range(4)]
CHOICES = {
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "data.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{q}}",
    "doc_to_choice": "{{c}}",
    "doc_to_target": "{{a}}",
}
LIKELIHOOD = {"output_type": "loglikelihood", "doc_to_choice": None, "doc_to_target": "{{q}}"}
TEXT = {"output_type": "generate_until", "doc_to_choice": None, "doc_to_target": "w3"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Of converted data files."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def checked(folder, change=(), data=None, limit=None):
    """The task t with these keys and data, loaded and checked."""
    lines = "".join(f"{json.dumps(each)}\n" for each in (DATA if data is None else data))
    (folder / "data.jsonl").write_text(lines)
    (folder / "t.yaml").write_text(json.dumps({"task": "t"} | CHOICES | dict(change)))
    (task,) = Tasks(folder=folder).load()
    task.check_examples(limit)
    return task


def with_metric(name, aggregation="mean"):
    listed = {"metric": name, "aggregation": aggregation, "higher_is_better": True}
    return {"metric_list": [listed]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_metric("nosuch"), "task t has metric nosuch, but lm-eval has none of that name"),
        (with_metric("bleu"), "metric bleu, but lm-eval has it not for multiple_choice tasks"),
        (LIKELIHOOD | with_metric("f1"), "metric f1, but lm-eval has it not for loglikelihood"),
        (TEXT | with_metric("nosuch"), "has metric nosuch, but lm-eval has none of that name"),
        (with_metric("acc", "nosuch"), "the aggregation of metric acc of task t is unknown"),
        (
            {"dataset_kwargs": {"data_files": "data.jsonl"}},
            "the data of task t has no split test, which its test_split names: name it in data_f",
        ),
        ({"fewshot_split": "more"}, "has no split more, which its fewshot_split names"),
        ({"test_split": None}, "task t cannot be set up: .*must have valid or test docs"),
        ({"doc_to_text": "{{nosuch}}"}, "task t cannot be set up: UndefinedError: 'nosuch' is"),
    ],
)
def test_a_task_that_cannot_be_scored_is_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        checked(tmp_path, change)


@pytest.mark.parametrize(
    "change",
    [
        with_metric("acc_norm"),
        with_metric("acc_mutual_info"),
        LIKELIHOOD | with_metric("perplexity"),
        TEXT | with_metric("exact_match"),
        {"output_type": "loglikelihood_rolling", "doc_to_choice": None, "doc_to_target": "{{q}}"},
    ],
)
def test_a_task_of_each_type_passes(tmp_path, change):
    assert checked(tmp_path, change).examples == len(DATA)


def test_a_task_without_examples_is_refused(tmp_path):
    with pytest.raises(ValueError, match="task t has no examples: its data is empty"):
        checked(tmp_path, data=[])


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ({"a": 2}, r"example 3 of task t has answer 2, but choices 0\.\.1"),
        ({"a": -1}, "example 3 of task t has answer '-1', which is none of its choices"),
        ({"c": []}, "example 3 of task t"),
    ],
)
def test_an_example_that_would_be_scored_wrongly_is_named(tmp_path, last, message):
    data = [*DATA[:-1], DATA[-1] | last]
    with pytest.raises(ValueError, match=message):
        checked(tmp_path, data=data)
    checked(tmp_path, data=data, limit=3)


def test_a_template_that_fails_for_one_example_names_it(tmp_path):
    change = {"doc_to_text": "{{q.split(' ')[1]}} {{more.x}}"}
    data = [each | {"more": {"x": 1}} for each in DATA[:-1]] + [DATA[-1] | {"more": None}]
    with pytest.raises(ValueError, match="example 3 of task t cannot be made a question: 'None"):
        checked(tmp_path, change, data)


def test_a_question_with_a_token_that_the_model_lacks_is_refused(tmp_path):
    write_tasks(tmp_path, ("piqa",))
    (task,) = Tasks(folder=tmp_path).load()
    words = tokenizer(eos_token="w9")
    words.add_tokens(["Question"])
    with pytest.raises(ValueError, match="could not be scored: a question has token 50, but the"):
        score(MODELS["gpt2"](), words, task)

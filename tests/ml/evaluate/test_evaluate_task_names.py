"""Tasks by name: which are found, and one sentence for those that are not."""

import re

import pytest
from tiny_tasks import SPLITS, documents, write_tasks

from gaincell.ml.evaluate.task_names import TASKS, index, lm_eval_folder, locate, own_names, tags
from gaincell.ml.evaluate.tasks import Tasks
from gaincell.refusals import Unable


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Of converted data files."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "tasks"
    folder.mkdir()
    return folder


def refusal(block):
    with pytest.raises(ValueError, match="task") as refused:
        block()
    said = str(refused.value)
    assert "\n" not in said
    return said


def test_lm_eval_has_the_seven_tasks():
    named = Tasks(tuple(TASKS))
    assert named.names == list(TASKS) == list(SPLITS)
    assert set(named.sources.values()) == {"lm-eval"}
    tasks, _ = index(lm_eval_folder())
    for name, folder in TASKS.items():
        assert tasks[name].is_relative_to(lm_eval_folder() / folder)


@pytest.mark.slow
def test_names_are_those_that_lm_eval_reads_itself(monkeypatch):
    from lm_eval.tasks import TaskManager

    # Duplicates and files without a task are logged by the thousand.
    monkeypatch.setattr("logging.root.manager.disable", 50)
    # To read all folders takes lm-eval a quarter of a minute: only some of them.
    for folder in sorted(lm_eval_folder().glob("[blw]*/")):
        theirs = TaskManager(include_path=[folder], include_defaults=False)
        tasks, groups = index(folder)
        assert sorted(tasks) == theirs.all_subtasks
        assert sorted(groups) == theirs.all_groups
        assert set(theirs.all_tags) <= tags(lm_eval_folder())
        for name, path in tasks.items():
            assert theirs.task_index[name].yaml_path == path


def test_only_the_folder_of_a_task_is_read_by_lm_eval():
    assert locate(["arc_easy"]) == [lm_eval_folder() / "arc"]
    assert locate(["boolq", "arc_easy"]) == [
        lm_eval_folder() / "arc",
        lm_eval_folder() / "super_glue" / "boolq",
    ]


def test_a_folder_gives_all_its_tasks_or_those_named(folder):
    write_tasks(folder, ("piqa", "winogrande"))
    (task,) = Tasks(["winogrande"], folder).load()
    assert Tasks(folder=folder).names == ["piqa", "winogrande"]
    assert (task.name, task.source, task.few_shot) == ("winogrande", str(folder), 0)
    assert task.examples == len(documents("winogrande"))


def test_tasks_of_lm_eval_stand_beside_those_of_a_folder(folder):
    write_tasks(folder, ("piqa",))
    found = Tasks(["hellaswag", "piqa", "hellaswag"], folder)
    assert found.sources == {"hellaswag": "lm-eval", "piqa": str(folder)}


def test_a_name_from_an_included_file_counts(folder):
    write_tasks(folder, ("piqa",))
    (folder / "base").mkdir()
    text = (folder / "piqa.yaml").read_text()
    (folder / "base" / "piqa_base").write_text(text)
    (folder / "piqa.yaml").write_text("include: base/piqa_base\nnum_fewshot: 3\n")
    (task,) = Tasks(folder=folder).load()
    assert (task.name, task.few_shot) == ("piqa", 3)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["arc_esy"], 'there is no task "arc_esy" (nearest known: "arc_easy")'),
        (["lambada"], "lambada is a group of tasks: name tasks of it"),
        (["boolqq"], 'there is no task "boolqq" (nearest known: "boolq")'),
    ],
)
def test_an_unknown_name_names_the_nearest(names, message):
    assert refusal(lambda: Tasks(names)) == message


def test_a_group_or_tag_of_the_folder_is_no_task(folder):
    write_tasks(folder, ("piqa",))
    text = (folder / "piqa.yaml").read_text()
    (folder / "piqa.yaml").write_text(f"{text}tag: [mine, yours]\n")
    (folder / "all.yaml").write_text("group: every\ntask: [piqa]\n")
    assert own_names(folder) == (["piqa"], {"mine", "yours", "every"})
    for name in ("yours", "every"):
        assert refusal(lambda name=name: Tasks([name], folder)) == (
            f"{name} is a group of tasks: name tasks of it"
        )


def test_a_folder_of_tasks_is_refused_if_it_has_none(folder):
    (folder / "readme.yaml").write_text("text: nothing here\n")
    assert "has no YAML file with a task" in refusal(lambda: Tasks(folder=folder))
    assert "none is not a folder" in refusal(lambda: Tasks(folder=folder / "none"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: [a", "mine.yaml is not valid YAML: while parsing a flow sequence"),
        (b"\xff\xfe\x00", "mine.yaml is not valid YAML"),
        ("task: a\ninclude: none.yaml", "mine.yaml includes none.yaml, which is not there"),
        ("task: a\ninclude: mine.yaml", "mine.yaml includes mine.yaml, which includes it in turn"),
    ],
)
def test_a_broken_file_is_named(folder, text, message):
    write_tasks(folder, ("piqa",))
    (folder / "mine.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert message in refusal(lambda: Tasks(["piqa"], folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("piqa.jsonl", "none.jsonl"), "the data of task piqa cannot be read: Unable to find"),
        (
            ("test_split: validation", "test_split: other"),
            "piqa has no split other, which its test_",
        ),
        (("dataset_name: null", "output_type: guess"), "cannot be set up: ValueError: Got invalid"),
        (("dataset_name: null", "doc_to_text: '{{'"), "cannot be set up: TemplateSyntaxError"),
    ],
)
def test_a_task_that_cannot_be_set_up_is_named(folder, change, message):
    write_tasks(folder, ("piqa",))
    path = folder / "piqa.yaml"
    assert change[0] in path.read_text()
    path.write_text(path.read_text().replace(*change))
    assert message in refusal(Tasks(folder=folder).load)


def test_data_that_are_no_json_are_named(folder):
    write_tasks(folder, ("piqa",))
    (folder / "piqa.jsonl").write_text('{"goal": ')
    said = refusal(Tasks(folder=folder).load)
    assert re.match("task piqa cannot be set up: .*JSON", said)


@pytest.mark.parametrize("error", [ConnectionError("Couldn't reach it"), FileNotFoundError("gone")])
def test_a_data_set_that_cannot_be_fetched_says_what_to_do(monkeypatch, error):
    def unreachable(*arguments, **options):
        raise error

    monkeypatch.setattr("datasets.load_dataset", unreachable)
    with pytest.raises(Unable) as unable:
        Tasks(["winogrande"]).load()
    said = str(unable.value)
    assert said.startswith(
        f"the data set allenai/winogrande of task winogrande could not be fetched ({error}): "
    )
    assert "run this once with a network" in said
    assert "--task-folder" in said


def test_few_shot_examples_must_be_there(folder):
    write_tasks(folder, ("piqa",))
    found = Tasks(folder=folder)
    (task,) = found.load(few_shot=7)
    assert task.few_shot == 7
    assert refusal(lambda: found.load(few_shot=8)) == (
        "task piqa has 8 examples to take few-shot ones from, but must have more than the 8 asked "
        "for"
    )

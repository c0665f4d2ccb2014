"""lm-eval's seven tasks with a few examples each, in the words of a tiny tokenizer."""

import json
from pathlib import Path

import lm_eval.tasks
import numpy as np
from tiny_models import VOCABULARY
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

EXAMPLES = 8
SPLITS = {
    "arc_easy": ("arc/arc_easy", "test"),
    "arc_challenge": ("arc/arc_challenge", "test"),
    "winogrande": ("winogrande/default", "validation"),
    "hellaswag": ("hellaswag/hellaswag", "validation"),
    "lambada_openai": ("lambada/lambada_openai", "test"),
    "piqa": ("piqa/piqa", "validation"),
    "wikitext": ("wikitext/wikitext", "test"),
}
"""lm-eval's file of each task, and the split that it scores."""


def tokenizer(**special):
    """One token per word w0, w1, …; other words are w0."""
    words = {f"w{number}": number for number in range(VOCABULARY)}
    plain = Tokenizer(WordLevel(words, unk_token="w0"))
    plain.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="w0", **special)


def write_tasks(folder: Path, names=tuple(SPLITS)) -> None:
    """lm-eval's own definitions of tasks, with data files instead of a hub's data sets."""
    folder.mkdir(exist_ok=True)
    for name in names:
        file, split = SPLITS[name]
        definition = Path(lm_eval.tasks.__file__).parent / f"{file}.yaml"
        examples = documents(name)
        (folder / f"{name}.yaml").write_text(
            f"include: {definition}\ntask: {name}\ndataset_path: json\ndataset_name: null\n"
            f"dataset_kwargs: {{data_files: {{{split}: {name}.jsonl}}}}\n"
            f"training_split: null\nvalidation_split: null\ntest_split: {split}\n"
        )
        lines = "".join(f"{json.dumps(each)}\n" for each in examples)
        (folder / f"{name}.jsonl").write_text(lines)


def documents(name: str) -> list[dict]:
    """Examples of a task, as its data set holds them; always the same."""
    rng = np.random.default_rng(list(name.encode()))

    def words(low, high):
        return " ".join(f"w{n}" for n in rng.integers(VOCABULARY, size=rng.integers(low, high)))

    def one():
        match name:
            case "arc_easy" | "arc_challenge":
                choices = {"text": [words(1, 5) for _ in range(4)], "label": list("ABCD")}
                answer = "ABCD"[rng.integers(4)]
                return {"question": words(3, 20), "choices": choices, "answerKey": answer}
            case "winogrande":
                sentence = f"{words(2, 8)} _ {words(1, 8)}"
                answer = str(rng.integers(1, 3))
                options = {"option1": words(1, 3), "option2": words(1, 3)}
                return {"sentence": sentence, **options, "answer": answer}
            case "hellaswag":
                context = {"ctx_a": words(2, 9), "ctx_b": words(1, 5)}
                endings = [words(1, 6) for _ in range(4)]
                label = str(rng.integers(4))
                return {
                    "activity_label": words(1, 3),
                    **context,
                    "endings": endings,
                    "label": label,
                }
            case "lambada_openai":
                return {"text": words(5, 30)}
            case "piqa":
                label = int(rng.integers(2))
                return {
                    "goal": words(3, 9),
                    "sol1": words(1, 6),
                    "sol2": words(1, 6),
                    "label": label,
                }
            case _:
                return {"page": words(10, 60)}

    return [one() for _ in range(EXAMPLES)]

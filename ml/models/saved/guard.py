"""What keeps stock classes from the files of a converted model, and says so to people.

Stock classes ignore scalers that they do not know, and would compute softmax attention from the
other weights: nonsense. Hence config.json has a sentence in the place of a number that every class
needs. A class that knows no better cannot make a model from it, and shows the sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FIELD = "vocab_size"
TABLE = "gaincell"
SENTENCE = (
    "the attention of this model runs on gain-cell arrays, which stock classes do not compute: "
    "load it with gaincell.ml.models.load.load_model"
)
_CARD = """---
library_name: gaincell
tags:
- gaincell
---

# A language model on gain-cell arrays

The attention of this model runs on gain-cell arrays. Stock classes such as `LlamaForCausalLM` do
not compute it, and do not load these files. Load the model with the package gaincell:

```python
from gaincell.ml.models.load import load_model

model, tokenizer = load_model("the folder of these files")
```

The table `gaincell` in `config.json` holds the head of the arrays, what each layer computes, and
the size of the vocabulary.
"""


def guarded(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table of config.json with the sentence in it; the number moves to ``gaincell``."""
    own = dict(table[TABLE])
    return dict(table) | {FIELD: SENTENCE, TABLE: own | {FIELD: table[FIELD]}}


def unguarded(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table without the sentence; one that has none, as older versions wrote it, as it is."""
    own = table.get(TABLE)
    if not isinstance(own, Mapping) or FIELD not in own:
        return dict(table)
    rest = {name: value for name, value in own.items() if name != FIELD}
    return dict(table) | {FIELD: own[FIELD], TABLE: rest}


def write_card(folder: Path) -> None:
    """README.md, unless there is one."""
    path = folder / "README.md"
    if not path.exists():
        path.write_text(_CARD, encoding="utf-8")

"""``gaincell tokens``: a text's tokens as a file that fine-tuning reads in place."""

import argparse
from pathlib import Path

from gaincell.commands.options.common import add_output
from gaincell.commands.options.texts import check_model, need_ml
from gaincell.files import check_writable
from gaincell.inputs.text_file import check_text
from gaincell.refusals import Unable, refusing
from gaincell.text import file_size, table

OF_HUB = ("subset", "split", "column")
"""Options that go with --hub; the defaults are those of ``Source``."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", required=True, help="model whose tokenizer is used, as for convert"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", type=Path, help="a text file, UTF-8")
    source.add_argument("--hub", help="name of a data set on a hub, or a folder of one")
    parser.add_argument("--subset", help="subset of the hub's data set")
    parser.add_argument("--split", help="split of the hub's data set; default train")
    parser.add_argument("--column", help="column with one text a row; default text")
    add_output(parser, "file to write; a .json comes beside it", required=True)


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    from gaincell.ml.finetune.data.token_file import description_of, write_tokens

    output: Path = arguments.output
    with refusing():
        for name in OF_HUB:
            if arguments.hub is None and getattr(arguments, name) is not None:
                raise ValueError(f"--{name} is of a data set, but means nothing without --hub")
        if output.suffix == ".json":
            raise ValueError(f"output {output} must not end with .json, its description's ending")
        for path in (output, description_of(output)):
            check_writable(path)
        check_model(arguments.model)
        if arguments.text is not None:
            check_text(arguments.text)
    from tqdm import tqdm

    from gaincell.ml.finetune.data.sources import (
        hub_tokens,
        text_tokens,
        tokenizer_name,
        vocabulary_of,
    )
    from gaincell.ml.finetune.settings import Source
    from gaincell.ml.models.load import load_tokenizer

    with refusing():
        tokenizer = load_tokenizer(arguments.model)
        if arguments.text is not None:
            pieces = iter([text_tokens(arguments.text, tokenizer)])
        else:
            given = {name: getattr(arguments, name) for name in OF_HUB}
            chosen = {name: value for name, value in given.items() if value is not None}
            source = Source(hub=arguments.hub, **chosen)
            pieces = hub_tokens(source, tokenizer)
        shown = tqdm(pieces, unit="text", disable=None)
        try:
            about = write_tokens(output, shown, vocabulary_of(tokenizer), tokenizer_name(tokenizer))
        except OSError as error:
            raise Unable(f"{output} cannot be written: {error.strerror}") from error
    rows = [
        ("tokens", f"{about.tokens} of {about.tokenizer}, {about.vocabulary} different ones"),
        ("written to", f"{output}, {about.dtype}, {file_size(output)}"),
    ]
    print(table(rows))
    return 0

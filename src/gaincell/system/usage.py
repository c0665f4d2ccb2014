"""Parsers of command lines that refuse in one sentence, in the words of all other refusals."""

import argparse
import re
from typing import NoReturn

NAME = r"argument (?P<name>\S+): "
SENTENCES = {
    NAME + r"invalid int value: (?P<value>.*)": "{name} is {value}, but must be a whole number",
    NAME + r"invalid float value: (?P<value>.*)": "{name} is {value}, but must be a number",
    NAME + r"invalid choice: (?P<value>.*) \(choose from (?P<choices>.*)\)": (
        "{name} is {value}, but must be one of {choices}"
    ),
    NAME + r"not allowed with argument (?P<other>\S+)": (
        "{name} does not go with {other}: give one of them"
    ),
    NAME + r"expected (?:one|at least one) argument": (
        "{name} lacks its value; one that begins with a dash needs an equals sign, as in {name}=-1"
    ),
    r"the following arguments are required: (?P<names>.*)": "not given, but needed: {names}",
    r"one of the arguments (?P<names>.*) is required": (
        "one of {names} is needed, but none is given"
    ),
}
"""What argparse says, and what the user reads. Other texts of argparse stay as they are."""

SHORT = re.compile(r"-\w/(?=--)")
"""The short name of an option before its long one."""


class Parser(argparse.ArgumentParser):
    """A parser whose refusals are one line of ``gaincell``; its help has the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"gaincell: {sentence_of(message)}; {self.prog} --help lists all options\n")


def sentence_of(message: str) -> str:
    """A refusal of argparse as a sentence on name, value and what it must be."""
    message = SHORT.sub("", message)
    for pattern, sentence in SENTENCES.items():
        if match := re.fullmatch(pattern, message):
            return sentence.format(**match.groupdict()).replace("'", "")
    return message

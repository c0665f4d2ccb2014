"""The command reference: a Markdown page with the options of every command, from the parsers.

``python -m gaincell.reference -o docs/do/commands.md`` writes it.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gaincell.cli import GROUPS, parsers, sentence
from gaincell.files import replacing
from gaincell.text import markdown

OPENING = """# Command reference

Every command with all its options. `gaincell COMMAND --help` prints the same in a terminal. This
page is made from the parsers of the commands:

```
python -m gaincell.reference -o docs/do/commands.md
```

## Exit status

| status | meaning |
|---|---|
| 0 | the command did its work |
| 1 | what was checked is wrong: the head gave a wrong output or broke a rule |
| 2 | the input is wrong: an option, a file, a configuration |
| 3 | the machine hinders the command: a missing tool, a tool that fails, a full disk, no network |
| 70 | a fault of gaincell, with its traceback |
| 130 | the user interrupted the command |
| 129, 143 | the command was told to end, by SIGHUP or SIGTERM, and has ended all that it started |

One sentence on stderr says what is wrong. Where a tool fails, it quotes the line of the tool's log
that says why. A reader of the output that leaves early, such as `head`, changes nothing."""

VALUES = {None: "text", str: "text", int: "whole number", float: "number", Path: "path"}
DEFAULT = re.compile(r"(?:^|; |, )default:? (?P<default>.*?)(?:\. |$)")
"""How the help of an option names its default."""
OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z-]*")
PLAIN_GROUPS = ("positional arguments", "options")
"""Titles that argparse gives to arguments outside any group."""
HEADS = ("option", "value", "default", "meaning")


def page() -> str:
    """The whole page."""
    _, by_name = parsers()
    parts = [OPENING]
    for group, commands in GROUPS.items():
        parts.append(f"## {group.capitalize()}")
        for name, (_, summary) in commands.items():
            parts += section(by_name[name], sentence(summary))
    return "\n\n".join(parts) + "\n"


def section(parser: argparse.ArgumentParser, said: str) -> list[str]:
    """Heading, sentence, usage and table of one command."""
    actions = [action for action in parser._actions if action.dest != "help"]
    usage = [parser.prog, *_required(parser, actions)]
    if any(_is_option(action) and not action.required for action in actions):
        usage.append("[options]")
    rows = [_row(parser, action) for action in actions]
    return [f"### {parser.prog}", said, f"```\n{' '.join(usage)}\n```", markdown(HEADS, rows)]


def _is_option(action: argparse.Action) -> bool:
    return bool(action.option_strings)


def _required(parser: argparse.ArgumentParser, actions: Sequence[argparse.Action]) -> list[str]:
    """What a command line must hold: positional arguments, options, and one of each choice."""
    words = [
        f"{action.option_strings[-1]} {_name(action)}" if _is_option(action) else _name(action)
        for action in actions
        if action.required
    ]
    for group in _exclusive(parser):
        if group.required:
            options = [each.option_strings[-1] for each in group._group_actions]
            words.append(f"({' | '.join(options)})")
    return words


def _exclusive(parser: argparse.ArgumentParser) -> list[Any]:
    """Groups of options of which a command line may hold only one."""
    return list(parser._mutually_exclusive_groups)


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> tuple[str, ...]:
    names = ", ".join(f"`{name}`" for name in action.option_strings) or f"`{_name(action)}`"
    default, meaning = _default(action, (action.help or "").replace("%%", "%"))
    for titled in parser._action_groups:
        if titled.title not in PLAIN_GROUPS and action in titled._group_actions:
            meaning = f"{titled.title}: {meaning}"
    for group in _exclusive(parser):
        if action in group._group_actions:
            others = [each for each in group._group_actions if each is not action]
            listed = " or ".join(each.option_strings[-1] for each in others)
            meaning = f"{meaning}; not with {listed}"
            default = "required, or the other" if group.required else default
    return names, _value(action), _escaped(default), _escaped(meaning)


def _escaped(text: str) -> str:
    """Plain text as Markdown: options as code, stars as stars."""
    return OPTION.sub(r"`\g<0>`", text.replace("*", r"\*"))


def _value(action: argparse.Action) -> str:
    """What stands behind the option."""
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        return ", ".join(f"`{choice}`" for choice in action.choices)
    value = VALUES[action.type]  # type: ignore[index]
    return f"{value}, one or more" if action.nargs == "+" else value


def _default(action: argparse.Action, meaning: str) -> tuple[str, str]:
    """The default and the meaning without it, as the help tells, else the parser."""
    named = DEFAULT.search(meaning)
    if action.required:
        return "required", meaning
    if named is not None:
        parts = (meaning[: named.start()], meaning[named.end() :])
        return named["default"].strip(), ". ".join(filter(None, parts))
    if action.default in (None, False, []) or action.default == argparse.SUPPRESS:
        return "", meaning
    return f"{action.default}", meaning


def _name(action: argparse.Action) -> str:
    """Name of an argument's value in a usage line."""
    if isinstance(action.metavar, str):
        return action.metavar
    return action.dest.upper() if _is_option(action) else action.dest


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description="Write the command reference.")
    parser.add_argument("-o", "--output", type=Path, required=True, help="Markdown page to write")
    arguments = parser.parse_args(argv)
    with replacing(arguments.output) as unfinished:
        unfinished.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

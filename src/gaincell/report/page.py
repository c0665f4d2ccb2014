"""Fills sections with text, tables and pictures, and renders the page that holds them."""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gaincell.files import scratch_folder
from gaincell.pictures.bars import MARKS

TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
STYLE = "page.css"
PARTS = "parts"
"""Folder beside a split page."""


@dataclass(frozen=True)
class Page:
    """The HTML of a page, and the files that belong in the folder ``PARTS`` beside it."""

    html: str
    parts: dict[str, bytes]


@dataclass
class Section:
    """A part of the page with a title, filled block by block."""

    key: str
    title: str
    blocks: list[dict[str, Any]] = field(default_factory=list)

    def text(self, text: str) -> None:
        self.blocks.append({"kind": "text", "text": text, "note": False})

    def note(self, text: str) -> None:
        """Text in a lighter colour."""
        self.blocks.append({"kind": "text", "text": text, "note": True})

    def command(self, text: str) -> None:
        self.blocks.append({"kind": "command", "text": text})

    def table(self, rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> None:
        """Cells as text. A cell that is a mark, such as "measured", gets the colour of the mark."""
        self.blocks.append({"kind": "table", "head": list(head), "rows": [list(r) for r in rows]})

    def picture(
        self, caption: str, shown: str, draw: Callable[[Path], object], suffix: str = ".svg"
    ) -> None:
        """A picture that ``draw`` writes to a file; ``shown`` says what it shows to who sees none.

        Caption and ``shown`` are sentences. The one stands below the picture, the other for it.
        """
        number = sum(block["kind"] == "picture" for block in self.blocks) + 1
        with scratch_folder("gaincell-report-") as folder:
            path = folder / f"{self.key}-{number}{suffix}"
            draw(path)
            picture = {"caption": caption, "shown": shown, "name": path.name}
            self.blocks.append({"kind": "picture", "data": path.read_bytes(), **picture})


def render(title: str, lead: str, sections: Sequence[Section], *, split: bool = False) -> Page:
    """The page. It needs no other host; unless it is split, it needs no other file either."""
    environment = Environment(
        loader=PackageLoader("gaincell.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    style = files("gaincell.report").joinpath(STYLE).read_text(encoding="utf-8")
    html = environment.get_template("page.html").render(
        title=title,
        lead=lead,
        sections=sections,
        marks=tuple(MARKS),
        split=split,
        style=f"{PARTS}/{STYLE}" if split else Markup(style),
        source=_file if split else _inline,
    )
    if not split:
        return Page(html, {})
    blocks = [block for section in sections for block in section.blocks]
    pictures = {block["name"]: block["data"] for block in blocks if block["kind"] == "picture"}
    return Page(html, {STYLE: style.encode(), **pictures})


def _file(picture: dict[str, Any]) -> str:
    return f"{PARTS}/{picture['name']}"


def _inline(picture: dict[str, Any]) -> str:
    data = base64.b64encode(picture["data"]).decode()
    return f"data:{TYPES[Path(picture['name']).suffix]};base64,{data}"

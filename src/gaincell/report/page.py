"""Fills sections with text, tables and pictures, and renders the page that holds them."""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from gaincell.files import scratch_folder
from gaincell.pictures.bars import MARKS

TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


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

    def picture(self, caption: str, draw: Callable[[Path], object], suffix: str = ".svg") -> None:
        """A picture that ``draw`` writes to a file."""
        with scratch_folder("gaincell-report-") as folder:
            path = folder / f"picture{suffix}"
            draw(path)
            data = base64.b64encode(path.read_bytes()).decode()
        source = f"data:{TYPES[suffix]};base64,{data}"
        self.blocks.append({"kind": "picture", "caption": caption, "source": source})


def render(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The HTML of the page. It needs no other file and no host."""
    environment = Environment(
        loader=PackageLoader("gaincell.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    page = environment.get_template("page.html")
    return page.render(title=title, lead=lead, sections=sections, marks=tuple(MARKS))

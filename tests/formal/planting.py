"""Plant a bug in a component: its source with one piece of text replaced, for a while."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from gaincell.hdl.host import verilog as host
from gaincell.hdl.verilog import generated


@dataclass(frozen=True)
class Bug:
    """``old`` text of the source of ``gaincell.hdl.<module>``, found there once, and ``new``."""

    module: str
    old: str
    new: str


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Have every user of the module's classes and functions use the changed ones.

    Verilog that was generated before is forgotten, and so is the Verilog with the bug.
    """
    original = import_module(f"gaincell.hdl.{bug.module}")
    source = inspect.getsource(original)
    assert source.count(bug.old) == 1, f"{bug.module} has changed: plant the bug elsewhere"
    wrong = ModuleType(original.__name__)
    exec(
        compile(source.replace(bug.old, bug.new), f"<{bug.module} with a bug>", "exec"), vars(wrong)
    )
    changed = []
    for name, mine in list(vars(original).items()):
        if getattr(mine, "__module__", None) != original.__name__:
            continue
        for user in list(sys.modules.values()):
            if getattr(user, "__name__", "").split(".")[0] in ("gaincell", "formal") and (
                getattr(user, name, None) is mine
            ):
                changed.append((user, name, mine))
                setattr(user, name, getattr(wrong, name))
    _forget()
    try:
        yield
    finally:
        _forget()
        for user, name, mine in changed:
            setattr(user, name, mine)


def _forget() -> None:
    """Drop the Verilog that was generated."""
    generated.cache_clear()
    host.generated.cache_clear()

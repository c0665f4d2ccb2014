"""The kernels for GPUs on the CPU, in Triton's interpreter."""

import re
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest

OF_TRITON = re.compile(r"(triton(?!\._C)|gaincell\.ml\.attention\.fused(?!\.choice))(\.|$)")


def _imported() -> list[str]:
    return [name for name in sys.modules if OF_TRITON.match(name)]


@pytest.fixture(scope="module")
def interpreter():
    """The module that runs the kernels, interpreted while a module's tests run.

    Triton asks the environment while it is imported, and torch may have imported it before.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        for name in _imported():
            patch.delitem(sys.modules, name)
        launch = import_module("gaincell.ml.attention.fused.launch")
        patch.setattr(launch, "blocks_of", lambda *_: launch.Blocks(16, 16, 4, 1))
        _patch_once(patch)
        yield launch
        for name in _imported():
            del sys.modules[name]


def _patch_once(patch: pytest.MonkeyPatch) -> None:
    """Let the interpreter change Triton's language once, and not at each call of a function.

    That took most of its time.
    """
    interpreter = import_module("triton.runtime.interpreter")
    change, changed = getattr(interpreter, "_patch_lang", None), set()

    def once(function):
        if function.__module__ not in changed:
            changed.add(function.__module__)
            change(function)
        return SimpleNamespace(restore=lambda: None)

    patch.setattr(interpreter, "_patch_lang", once, raising=False)

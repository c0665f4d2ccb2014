"""Reads a package's files: which module imports which, and what breaks the rules of the layout.

``imports`` of a module are those that run when it is loaded, and those for types alone: whoever
reads a module must know the modules that it names below ``if TYPE_CHECKING`` too. Imports inside
functions are ``late``: they load a part only where it is used, and make no circle. An import of
``a.b`` loads the package ``a`` as well; that alone does not count as an import of ``a``.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Module:
    """A file with the names that it imports, such as "a.b" or "a.b.name"."""

    file: Path
    docstring: str | None
    imports: frozenset[str]
    late: frozenset[str]


def read_module(file: Path) -> Module:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    every, at_load = frozenset(_imports(tree)), frozenset(_imports(tree, functions=False))
    return Module(file, ast.get_docstring(tree), at_load, every - at_load)


def read_package(folder: Path) -> dict[str, Module]:
    """All modules below ``folder``, by dotted name; links to folders are followed.

    Data and caches are skipped: a folder belongs to the package if it holds a Python file.
    """
    modules = {}
    for file in sorted(folder.glob("*.py")):
        name = folder.name if file.stem == "__init__" else f"{folder.name}.{file.stem}"
        modules[name] = read_module(file)
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        if below.name != "__pycache__":
            inner = read_package(below)
            modules |= {f"{folder.name}.{name}": module for name, module in inner.items()}
    return modules


def circles(modules: Mapping[str, Module]) -> list[list[str]]:
    """Groups of modules that import each other, each group sorted."""
    graph = {
        name: {target for target in targets(module.imports, modules) if target != name}
        for name, module in modules.items()
    }
    reach = {name: _reachable(name, graph) for name in graph}
    groups = {
        tuple(sorted({name} | {other for other in reach[name] if name in reach[other]}))
        for name in graph
        if name in reach[name]
    }
    return [list(group) for group in sorted(groups)]


def targets(imported: Iterable[str], modules: Mapping[str, Module]) -> set[str]:
    """The modules of the package among imported names."""
    found = set()
    for name in imported:
        owner = name.rpartition(".")[0]
        if name in modules:
            found.add(name)
        elif owner in modules:
            found.add(owner)
    return found


def crossings(modules: Mapping[str, Module], inside: str, allowed: Iterable[str]) -> list[str]:
    """Imports, late ones too, from below the package ``inside`` to what is not ``allowed``.

    ``allowed`` are dotted names: of modules, or of packages with all below them. The top package
    itself, which holds the version, is always allowed; packages of others are never listed.
    """
    fine = (inside, *allowed)
    wrong = []
    for name, module in modules.items():
        if not _below(name, inside):
            continue
        for target in sorted(targets(module.imports | module.late, modules)):
            if "." in target and not any(_below(target, each) for each in fine):
                wrong.append(f"{name} imports {target}")
    return wrong


def commands_that_import_commands(modules: Mapping[str, Module], package: str) -> list[str]:
    """Imports of a command, from a command or from what commands share (late ones too).

    A command is a module directly in ``package``; its folders hold what commands share.
    """
    wrong = []
    commands = {
        name
        for name, module in modules.items()
        if name.rpartition(".")[0] == package and module.file.stem != "__init__"
    }
    for name, module in modules.items():
        if _below(name, package):
            seen = targets(module.imports | module.late, modules) & commands - {name}
            wrong += [f"{name} imports {other}" for other in sorted(seen)]
    return wrong


def untold(folder: Path) -> list[str]:
    """Folders with Python files that lack an __init__.py, or one with a docstring."""
    wrong = []
    for inner in python_folders(folder):
        start = inner / "__init__.py"
        if not start.exists():
            wrong.append(f"{inner.relative_to(folder)} has no __init__.py")
        elif not read_module(start).docstring:
            wrong.append(f"{inner.relative_to(folder)}/__init__.py has no docstring")
    return wrong


def crowded(folder: Path, most: int) -> list[str]:
    """Folders with more than ``most`` Python files."""
    counts = {inner: len(list(inner.glob("*.py"))) for inner in python_folders(folder)}
    return [
        f"{inner.relative_to(folder)} has {count} files"
        for inner, count in counts.items()
        if count > most
    ]


def python_folders(folder: Path) -> Iterator[Path]:
    """``folder`` and all below it that hold a Python file; links are followed."""
    if any(folder.glob("*.py")):
        yield folder
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        if below.name != "__pycache__":
            yield from python_folders(below)


def _imports(node: ast.AST, functions: bool = True) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (name.name for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative imports are not used here"
            yield from (f"{child.module}.{name.name}" for name in child.names)
        elif functions or not isinstance(child, FUNCTIONS):
            yield from _imports(child, functions)


def _reachable(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    """Modules on paths of at least one import from ``start``."""
    seen: set[str] = set()
    rest = [start]
    while rest:
        for target in graph[rest.pop()]:
            if target not in seen:
                seen.add(target)
                rest.append(target)
    return seen


def _below(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")

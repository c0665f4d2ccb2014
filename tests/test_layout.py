"""The folders of the project, what may import what, and words that no file may hold."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "gaincell"
LINKED = ("behavioral", "cocotb_tests", "hdl", "ml", "rtl_server", "synth")
MAY_NOT_IMPORT = {
    "hdl": ("gaincell.behavioral", "gaincell.ml", "gaincell.cocotb_tests", "torch", "cocotb"),
    "behavioral": ("torch", "amaranth", "cocotb", "gaincell.hdl", "gaincell.ml", "gaincell.synth"),
    "synth": ("gaincell.ml", "torch", "cocotb", "amaranth"),
    "ml": (
        "gaincell.hdl",
        "gaincell.cocotb_tests",
        "gaincell.rtl_server",
        "amaranth",
        "cocotb",
    ),
    "rtl_server": ("gaincell.ml", "torch", "cocotb"),
}
CONFIG_MODULES = (
    "cell",
    "config",
    "config_checks",
    "config_file",
    "retention",
    "schedule",
    "tables",
)
MACHINE_PATHS = re.compile(r"(?<![\w.~$}-])/(?:work|root|tmp/v)/")


def imports_of(file: Path) -> Iterator[str]:
    """Modules that a file imports anywhere in it, with the names taken from each."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relative to itself"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def forbidden(file: Path, banned: tuple[str, ...]) -> list[str]:
    return [
        f"{file.name} imports {name}"
        for name in imports_of(file)
        if any(f"{name}.".startswith(f"{module}.") for module in banned)
    ]


def project_files() -> list[Path]:
    """Files that git keeps or would keep."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: no list of the project's own files")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    return [file for file in files if file.is_file() and not file.is_symlink()]


@pytest.mark.parametrize("name", LINKED)
def test_package_links_to_the_folder_at_the_top(name):
    link = PACKAGE / name
    assert link.is_symlink(), f"{link} is no symbolic link: clone with symlink support"
    assert link.resolve() == ROOT / name
    assert link.readlink() == Path("..", "..", name)
    assert (ROOT / name).is_dir()
    assert not (ROOT / name).is_symlink()


@pytest.mark.parametrize("name", MAY_NOT_IMPORT)
def test_dependencies_point_one_way(name):
    banned = MAY_NOT_IMPORT[name]
    found = [wrong for file in (ROOT / name).rglob("*.py") for wrong in forbidden(file, banned)]
    assert found == []
    assert name == "ml" or list((ROOT / name).glob("*.py"))


@pytest.mark.parametrize("name", CONFIG_MODULES)
def test_config_imports_nothing_but_config(name):
    own = {f"gaincell.{module}" for module in CONFIG_MODULES}
    for imported in imports_of(PACKAGE / f"{name}.py"):
        if imported.startswith("gaincell"):
            assert imported.rpartition(".")[0] in own | {"gaincell"}
        assert not imported.startswith(("amaranth", "torch", "cocotb"))


def test_import_scan_sees_every_form_of_import(tmp_path):
    file = tmp_path / "sample.py"
    file.write_text(
        "import torch.nn\nimport torchless\n"
        "def late():\n    from gaincell import hdl\n    from gaincell.hdl.head import Head\n"
    )
    assert forbidden(file, ("torch", "gaincell.hdl")) == [
        "sample.py imports torch.nn",
        "sample.py imports gaincell.hdl",
        "sample.py imports gaincell.hdl.head.Head",
    ]


def test_files_name_no_path_of_one_machine():
    found = []
    for file in project_files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATHS.search(line):
                found.append(f"{file.relative_to(ROOT)}:{number}")
    assert found == []


def test_word_rule_knows_a_machine_path_from_a_relative_one():
    absolute, relative = "/".join(["", "work", "main"]), "/".join(["docs", "work", "main"])
    assert MACHINE_PATHS.search(f"see {absolute}")
    assert MACHINE_PATHS.search(f'"{absolute}"')
    assert not MACHINE_PATHS.search(f"see {relative}")

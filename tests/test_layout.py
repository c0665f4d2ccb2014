"""The folders of the project: what each may import, how large it may be, what no file may hold."""

import re
import subprocess
from pathlib import Path

import pytest
from source_tree import (
    Module,
    circles,
    commands_that_import_commands,
    crossings,
    crowded,
    read_package,
    untold,
)

from gaincell.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "gaincell"
LINKED = ("behavioral", "cocotb_tests", "hdl", "layout", "ml", "rtl_server", "spice", "synth")
GROUND = (
    "cell",
    "config",
    "config_file",
    "core",
    "design_file",
    "retention",
    "schedule",
    "tables",
)
"""Modules of the configuration: they import nothing of the project but each other and refusals."""
TOOLS = ("cache", "files", "inputs", "refusals", "system", "text", "versions")
"""Modules and folders that know nothing of heads."""
MAY_IMPORT = {
    "behavioral": (),
    "hdl": (),
    "data": (),
    "exports": ("behavioral", "synth"),
    "gpu_bench": ("ml.process",),
    "gpu_run": ("data.averages", "gpu_bench", "ml"),
    "cocotb_tests": ("behavioral", "hdl"),
    "ml": ("behavioral", "data.averages", "moved"),
    "ledger": ("behavioral", "synth"),
    "pictures": ("behavioral", "data", "hdl"),
    "rtl_server": ("behavioral", "cocotb_tests"),
    "layout": ("behavioral", "pictures", "spice", "synth"),
    "spice": ("behavioral", "cocotb_tests", "ledger.arithmetic"),
    "sweep": ("behavioral", "ml", "pictures", "report", "synth"),
    "synth": ("behavioral", "cocotb_tests", "hdl"),
    "report": (
        "behavioral",
        "cocotb_tests",
        "data",
        "gpu_bench",
        "layout.floorplan.metrics",
        "pictures",
        "synth",
    ),
    "commands": (
        "behavioral",
        "cocotb_tests",
        "data",
        "exports",
        "gpu_bench",
        "hdl",
        "layout",
        "ledger",
        "ml",
        "pictures",
        "report",
        "rtl_server",
        "spice",
        "sweep",
        "synth",
    ),
}
"""Folders that the code of each folder may import, besides GROUND and TOOLS."""
MAY_NOT_LOAD = {
    "hdl": ("torch", "cocotb"),
    "behavioral": ("torch", "amaranth", "cocotb"),
    "layout": ("torch", "cocotb", "amaranth"),
    "spice": ("torch", "cocotb", "amaranth"),
    "synth": ("torch", "cocotb", "amaranth"),
    "ml": ("amaranth", "cocotb"),
    "rtl_server": ("torch", "cocotb"),
    "pictures": ("torch", "cocotb"),
    "ledger": ("torch", "cocotb", "amaranth"),
}
"""Packages of others that no file of a folder imports."""
LARGEST_FOLDER = 16
"""Python files in a folder."""
LARGE_FOLDERS = ("commands", "moved/ml")
"""One file for each command, and the import paths of 0.6, which go in 0.8."""
ML_FOLDERS = 8
MACHINE_PATHS = re.compile(r"(?<![\w.~$}-])/(?:work|root|tmp/v)/")


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    """All modules of the package."""
    return read_package(PACKAGE)


def forbidden(module: Module, banned: tuple[str, ...]) -> list[str]:
    return [
        f"{module.file.name} imports {name}"
        for name in sorted(module.imports | module.late)
        if any(f"{name}.".startswith(f"{package}.") for package in banned)
    ]


def tree_of(folder: Path, files: dict[str, str]) -> Path:
    """A small package of made files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def project_files() -> list[Path]:
    """Files that git keeps or would keep."""
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


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_dependencies_point_one_way(modules, name):
    # Tests may use any part of the project, such as the command line.
    code = {
        each: module
        for each, module in modules.items()
        if not module.file.name.startswith(("test_", "conftest"))
    }
    assert f"gaincell.{name}" in code
    allowed = [f"gaincell.{each}" for each in (*GROUND, *TOOLS, *MAY_IMPORT[name])]
    assert crossings(code, f"gaincell.{name}", allowed) == []


@pytest.mark.parametrize("name", MAY_NOT_LOAD)
def test_folders_load_no_package_of_other_parts(modules, name):
    inside = [each for each in modules if f"{each}.".startswith(f"gaincell.{name}.")]
    assert inside
    assert [
        wrong for each in inside for wrong in forbidden(modules[each], MAY_NOT_LOAD[name])
    ] == []


@pytest.mark.parametrize("name", GROUND)
def test_config_imports_nothing_but_config(modules, name):
    allowed = [f"gaincell.{each}" for each in (*GROUND, "refusals")]
    assert crossings(modules, f"gaincell.{name}", allowed) == []
    assert forbidden(modules[f"gaincell.{name}"], ("amaranth", "torch", "cocotb")) == []


@pytest.mark.parametrize("name", TOOLS)
def test_tools_know_nothing_of_heads(modules, name):
    assert crossings(modules, f"gaincell.{name}", [f"gaincell.{each}" for each in TOOLS]) == []


@pytest.mark.parametrize("name", ["cell", "retention", "schedule"])
def test_plans_take_numbers_and_import_nothing_of_the_project(modules, name):
    assert crossings(modules, f"gaincell.{name}", []) == []


def test_a_made_import_against_the_direction_is_seen(tmp_path):
    folder = tree_of(
        tmp_path / "top",
        {
            "__init__.py": "",
            "ground.py": "def late():\n    from top.roof import house\n",
            "roof/__init__.py": "",
            "roof/house.py": "import top\nimport top.ground\nimport torch.nn\nimport torchless\n",
        },
    )
    made = read_package(folder)
    assert crossings(made, "top.ground", []) == ["top.ground imports top.roof.house"]
    assert crossings(made, "top.ground", ["top.roof"]) == []
    assert crossings(made, "top.roof", []) == ["top.roof.house imports top.ground"]
    assert crossings(made, "top.roof", ["top.ground"]) == []
    assert forbidden(made["top.roof.house"], ("torch",)) == ["house.py imports torch.nn"]


def test_no_modules_import_each_other_in_a_circle(modules):
    assert circles(modules) == []


def test_a_made_circle_is_seen(tmp_path):
    late = "def later():\n    import top.c\n"
    folder = tree_of(
        tmp_path / "top",
        {
            "__init__.py": "",
            "a.py": "from top.inner.b import name\n",
            "inner/__init__.py": "",
            "inner/b.py": "try:\n    import top.c\nexcept ImportError:\n    pass\n",
            "c.py": "if TYPE_CHECKING:\n    from top import a\n",
            "d.py": "import top.a\nimport top.e\n",
            "e.py": late,
        },
    )
    assert circles(read_package(folder)) == [["top.a", "top.c", "top.inner.b"]]
    (folder / "c.py").write_text("def later():\n    from top import a\n")
    assert circles(read_package(folder)) == []
    (folder / "e.py").write_text("from top.d import name\n" + late)
    assert circles(read_package(folder)) == [["top.d", "top.e"]]


def test_no_command_imports_a_command(modules):
    assert commands_that_import_commands(modules, "gaincell.commands") == []


def test_a_made_command_that_imports_a_command_is_seen(tmp_path):
    folder = tree_of(
        tmp_path / "top",
        {
            "__init__.py": "",
            "run/__init__.py": "",
            "run/one.py": "from top.run import two\nfrom top.run.shared import names\n",
            "run/two.py": "def late():\n    from top.run.one import main\n",
            "run/shared/__init__.py": "",
            "run/shared/names.py": "import top.run.two\n",
        },
    )
    assert sorted(commands_that_import_commands(read_package(folder), "top.run")) == [
        "top.run.one imports top.run.two",
        "top.run.shared.names imports top.run.two",
        "top.run.two imports top.run.one",
    ]


def test_every_command_has_its_file():
    files = {file.stem.replace("_", "-") for file in (PACKAGE / "commands").glob("*.py")}
    assert files - {"--init--"} == set(COMMANDS)


def test_ml_is_a_few_folders_and_nothing_loose():
    assert [file.name for file in (ROOT / "ml").glob("*.py")] == ["__init__.py"]
    folders = [folder for folder in (ROOT / "ml").iterdir() if any(folder.glob("*.py"))]
    assert 1 < len(folders) <= ML_FOLDERS


def test_every_folder_of_the_package_says_what_it_holds():
    assert untold(PACKAGE) == []


@pytest.mark.parametrize("folder", ["src/gaincell", "tests", "benchmarks"])
def test_no_folder_holds_too_many_files(folder):
    found = crowded(ROOT / folder, LARGEST_FOLDER)
    assert [wrong for wrong in found if wrong.split()[0] not in LARGE_FOLDERS] == []


def test_made_folders_that_are_untold_or_crowded_are_seen(tmp_path):
    folder = tree_of(
        tmp_path / "top",
        {
            "__init__.py": '"""All."""\n',
            "bare/one.py": "",
            "mute/__init__.py": "",
            "mute/two.py": "",
            "full/__init__.py": '"""Three files."""\n',
            "full/a.py": "",
            "full/b.py": "",
            "data/values.json": "",
        },
    )
    assert untold(folder) == ["bare has no __init__.py", "mute/__init__.py has no docstring"]
    assert crowded(folder, 2) == ["full has 3 files"]
    assert crowded(folder, 3) == []


@pytest.mark.needs("git")
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

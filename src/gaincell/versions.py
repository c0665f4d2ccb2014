"""Versions of the software that made a result."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import gaincell


def versions(*packages: str) -> dict[str, str]:
    """Version of gaincell, of Python, and of each of ``packages`` that is installed."""
    installed = {"gaincell": gaincell.__version__, "python": platform.python_version()}
    for name in packages:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def revision() -> str | None:
    """Git's name of the program's own revision, with a + if files were changed since.

    None: git knows none, as of a package that was installed.
    """
    # Resolved: the package itself may be a link into the repository.
    folder = Path(__file__).resolve().parent
    try:
        name, changed = (
            subprocess.run(
                ["git", *command], cwd=folder, capture_output=True, text=True, check=True
            ).stdout.strip()
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return name + ("+" if changed else "")

"""Versions of the software that made a result."""

import platform
from importlib.metadata import PackageNotFoundError, version

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

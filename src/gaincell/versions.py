"""Which versions a result was made with."""

import platform
from importlib.metadata import PackageNotFoundError, version

import gaincell


def versions(*packages: str) -> dict[str, str]:
    """Of this package, of Python, and of those ``packages`` that are installed."""
    found = {"gaincell": gaincell.__version__, "python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

"""Signal activity, read from the SAIF file that a simulator writes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gaincell.refusals import first_line

ENTRY = re.compile(r"\(\s*(\S+)\s+\(T0 (\d+)\)\s*\(T1 (\d+)\).*?\(TC (\d+)\)")
TIMESCALE = re.compile(r"\(TIMESCALE\s+(\d+)\s*([munpf]?)s\)")
DURATION = re.compile(r"\(DURATION\s+(\d+)\)")
SECONDS = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}


class WrongActivity(ValueError):
    """An activity file cannot be read, or is of another netlist."""


@dataclass(frozen=True)
class Activity:
    """Activity of nets: the probability of a 1, and the changes per second.

    matched : share of the netlist's nets that the file lists
    """

    high: dict[str, float]
    changes_per_s: dict[str, float]
    seconds: float
    matched: float

    def at_clock(self, recorded_ns: float, clock_ns: float) -> "Activity":
        """The same changes per cycle at another clock period."""
        slower = recorded_ns / clock_ns
        changes = {net: rate * slower for net, rate in self.changes_per_s.items()}
        return replace(self, changes_per_s=changes, seconds=self.seconds / slower)


def read_saif(path: Path, scope: tuple[str, ...], nets: Iterable[str]) -> Activity:
    """Activity of ``nets`` in the instance ``scope``, from the top down.

    Raises
    ------
    WrongActivity
        The file is no SAIF file, or lists less than half of the nets in that instance.
    """
    text, seconds = _read(path)
    known_nets = set(nets)
    high, changes = {}, {}
    for name, low_ticks, high_ticks, count in _entries(text, scope):
        if name in known_nets:
            ticks = low_ticks + high_ticks
            high[name] = high_ticks / ticks if ticks else 0.5
            changes[name] = count / seconds
    matched = len(high) / len(known_nets) if known_nets else 1.0
    if matched < 0.5:
        raise WrongActivity(
            f"activity {path} lists {len(high)} of the netlist's {len(known_nets)} nets: "
            "it was recorded from another netlist"
        )
    return Activity(high, changes, seconds, matched)


def check_saif(path: Path) -> None:
    """Raise WrongActivity unless ``path`` is a SAIF file that lasts for some time."""
    _read(path)


def _read(path: Path) -> tuple[str, float]:
    """The text of a SAIF file, and how many seconds it lasts."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongActivity(f"activity {path} cannot be read: {first_line(error)}") from error
    timescale, duration = TIMESCALE.search(text), DURATION.search(text)
    if "(SAIFILE" not in text or timescale is None or duration is None:
        raise WrongActivity(f"activity {path} is no SAIF file")
    seconds = int(duration[1]) * int(timescale[1]) * SECONDS[timescale[2]]
    if not seconds:
        raise WrongActivity(f"activity {path} lasts for no time")
    return text, seconds


def _entries(text: str, scope: tuple[str, ...]) -> list[tuple[str, int, int, int]]:
    """Name, time at 0, time at 1 and changes of the signals right inside ``scope``."""
    entries = []
    place: list[tuple[str, int]] = []
    depth = 0
    for line in text.splitlines():
        if (instance := re.match(r"\s*\(INSTANCE\s+(\S+)", line)) is not None:
            place.append((instance[1].replace("\\", ""), depth))
        elif tuple(name for name, _ in place) == scope:
            entry = ENTRY.search(line)
            if entry is not None:
                name = entry[1].replace("\\", "")
                entries.append((name, int(entry[2]), int(entry[3]), int(entry[4])))
        depth += line.count("(") - line.count(")")
        while place and depth <= place[-1][1]:
            place.pop()
    return entries

"""Area, delay and energy of digital logic at 28 nm, 0.9 V from those in a library's technology.

Two published methods, and a band that holds both. A verdict takes the pessimistic end, the high
one: more area, more delay, more energy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

TARGET_NM = 28.0
"""Node of the paper's head (Leroux et al., Nature Computational Science 5, 813, 2025)."""
TARGET_V = 0.9
"""Supply at the target, V: the paper's, and the nominal one of 28 nm high-performance CMOS."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """A quantity known to lie between ``low`` and ``high``, both included; any unit.

    Raises
    ------
    ValueError
        An end is not finite, or they are in the wrong order.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ValueError(
                f"band is {self.low}..{self.high}, but must be finite and rise from low to high"
            )

    @classmethod
    def exact(cls, value: float) -> Band:
        """A band of no width."""
        return cls(low=value, high=value)

    @classmethod
    def around(cls, *bands: Band) -> Band:
        """The smallest band that holds all ``bands``."""
        return cls(low=min(band.low for band in bands), high=max(band.high for band in bands))

    @property
    def verdict(self) -> float:
        """The end that a claim of this project is judged by: the high one."""
        return self.high

    def __str__(self) -> str:
        """Both ends in four digits or to the unit, or one if they read the same."""
        low, high = (f"{end:.0f}" if end >= 1000 else f"{end:.4g}" for end in (self.low, self.high))
        return low if low == high else f"{low}..{high}"

    def __add__(self, other: Band) -> Band:
        return Band(low=self.low + other.low, high=self.high + other.high)

    def times(self, factor: float | Band) -> Band:
        """The product with a factor >= 0, or with a band of them."""
        by = factor if isinstance(factor, Band) else Band.exact(factor)
        return Band(low=self.low * by.low, high=self.high * by.high)


@dataclass(frozen=True, kw_only=True)
class Method:
    """Factors of one published method: a quantity at the target over the same at the library."""

    name: str
    source: str
    area: Band
    delay: Band
    energy: Band


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Stillmaker and Baas' factors from one node at its reference voltage to the target."""

    reference_v: float
    area: Band
    delay: Band
    energy: Band


STILLMAKER_BAAS = {
    45.0: Fit(
        reference_v=1.1,
        area=Band.exact(0.37),
        delay=Band(low=0.62, high=0.64),
        energy=Band(low=0.35, high=0.51),
    ),
    130.0: Fit(
        reference_v=1.2,
        area=Band.exact(0.058),
        delay=Band(low=0.22, high=0.26),
        energy=Band(low=0.07, high=0.16),
    ),
}
"""By node, nm. A. Stillmaker, B. Baas, Integration 58, 74 (2017), "Scaling equations for the
accurate prediction of CMOS device performance from 180 nm to 7 nm". 28 nm is no node of their
tables: the factors are interpolated, which is why most are ranges."""


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """All methods that apply to one node and voltage, and the band around them.

    Without a method, as the node is not known, every factor is 1.
    """

    node_nm: float | None
    voltage_v: float
    methods: tuple[Method, ...]

    @property
    def area(self) -> Band:
        """Area at the target over area at the library's node."""
        return _around(method.area for method in self.methods)

    @property
    def delay(self) -> Band:
        """Delay of a path at the target over that at the library's node."""
        return _around(method.delay for method in self.methods)

    @property
    def energy(self) -> Band:
        """Energy at the target over energy at the library's node and voltage."""
        return _around(method.energy for method in self.methods)

    @property
    def caution(self) -> str | None:
        """Why the band is not what it should be, in one sentence; None: two methods apply."""
        if self.node_nm is None:
            return (
                "the library's node is not known: area, delay and energy of the digital part are "
                "those of the library, unscaled; give --node-nm to scale them"
            )
        if len(self.methods) > 1:
            return None
        nodes = " and ".join(f"{node:g} nm" for node in STILLMAKER_BAAS)
        return (
            f"from {self.node_nm:g} nm only constant-field scaling is used, "
            f"since Stillmaker and Baas' factors are kept for {nodes}: the band has no width"
        )


def _around(bands: Iterable[Band]) -> Band:
    known = list(bands)
    return Band.around(*known) if known else Band.exact(1)


def scaling_from(node_nm: float | None, voltage_v: float) -> Scaling:
    """Factors from a library's node and supply to 28 nm, 0.9 V.

    Parameters
    ----------
    node_nm : nm; None: not known
    voltage_v : as the library states it, V

    Raises
    ------
    ValueError
        A node or a voltage that is not finite and above 0.
    """
    if node_nm is None:
        return Scaling(node_nm=None, voltage_v=voltage_v, methods=())
    for name, value, unit in (("node", node_nm, "nm"), ("voltage", voltage_v, "V")):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(
                f"{name} of the library is {value} {unit}, but must be finite and above 0"
            )
    methods = [constant_field(node_nm, voltage_v)]
    if node_nm in STILLMAKER_BAAS:
        methods.insert(0, stillmaker_baas(node_nm, voltage_v))
    return Scaling(node_nm=node_nm, voltage_v=voltage_v, methods=tuple(methods))


def stillmaker_baas(node_nm: float, voltage_v: float) -> Method:
    """The factors of ``STILLMAKER_BAAS``; energy is first brought to the reference voltage by V^2.

    Delay is not corrected for voltage: a library above its reference voltage is slower there.

    Raises
    ------
    ValueError
        No factors are kept for the node.
    """
    if node_nm not in STILLMAKER_BAAS:
        raise ValueError(f"node is {node_nm:g} nm, for which no Stillmaker-Baas factors are kept")
    fit = STILLMAKER_BAAS[node_nm]
    return Method(
        name="Stillmaker and Baas",
        source="Integration 58, 74 (2017), interpolated to 28 nm",
        area=fit.area,
        delay=fit.delay,
        energy=fit.energy.times((fit.reference_v / voltage_v) ** 2),
    )


def constant_field(node_nm: float, voltage_v: float) -> Method:
    """Every length by L: area L^2, capacitance and delay L, energy L V^2.

    R. H. Dennard et al., IEEE J. Solid-State Circuits 9, 256 (1974). There the voltage shrinks
    with L; here it is the target's, which is higher, so that energy falls less.
    """
    length = TARGET_NM / node_nm
    return Method(
        name="constant field",
        source="Dennard et al., IEEE JSSC 9, 256 (1974)",
        area=Band.exact(length**2),
        delay=Band.exact(length),
        energy=Band.exact(length * (TARGET_V / voltage_v) ** 2),
    )

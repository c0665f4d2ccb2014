"""Energy and area of single digital operations at 28 nm, scaled from published ones at 45 nm."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gaincell.synth.estimate.scaling import Band, scaling_from

SOURCE = "Horowitz, ISSCC 2014"
NODE_NM = 45.0
VOLTAGE_V = 0.9
"""Node and supply of the published operations."""


@dataclass(frozen=True)
class Operation:
    """One operation at 45 nm, 0.9 V.

    Energy: M. Horowitz, "Computing's energy problem", ISSCC 2014, pp. 10-14. Area: the same
    operations synthesized for 45 nm, V. Sze et al., Proc. IEEE 105, 2295 (2017), without registers.
    """

    energy_pj: float
    area_um2: float


ADD_16 = Operation(0.05, 67)
"""Sum of two 16-bit integers. Its energy stands beside its area in Sze et al."""
MULTIPLY_8 = Operation(0.2, 282)
"""Product of two 8-bit integers."""
MULTIPLY_32 = Operation(3.1, 3495)
"""Product of two 32-bit integers."""
FLOP_UM2 = 4.522
"""DFF_X1 of the Nangate 45 nm Open Cell Library."""
MAC_FLOPS = 8 + 8 + 16
"""Registers of a unit for products: two operands and the sum."""

ACCESS_PJ, ACCESS_BITS, ACCESS_BYTES = 10.0, 64, 8192
"""Horowitz, as above: 64 bits from a cache of 8 KB, his smallest memory, cost 10 pJ."""

EXPONENTIAL = 1
"""Wide products for one exponential: two small tables and one product of their numbers, as in
T. J. Ham et al., "A3", HPCA 2020. One of 32 bits costs more than that: 16 bits are enough."""
DIVISION = 4
"""Wide products for one reciprocal, one after another: two steps of Newton's, of two each."""

SCALING = scaling_from(NODE_NM, VOLTAGE_V)
"""To 28 nm, 0.9 V, as for the digital control."""

MAC_J = SCALING.energy.times((MULTIPLY_8.energy_pj + ADD_16.energy_pj) * 1e-12)
"""One product of 8-bit numbers, added to 16 bits, at 28 nm."""
MAC_UM2 = SCALING.area.times(MULTIPLY_8.area_um2 + ADD_16.area_um2 + MAC_FLOPS * FLOP_UM2)
"""A unit that does one in a clock cycle, with its registers. Yosys maps such a unit to 584 um2 of
Nangate's cells at 45 nm, where this is 494."""
WIDE_J = SCALING.energy.times(MULTIPLY_32.energy_pj * 1e-12)
"""One wide product at 28 nm."""
WIDE_UM2 = SCALING.area.times(MULTIPLY_32.area_um2)
"""A unit that does one in a clock cycle."""
BIT_UM2 = SCALING.area.times(19.57 * 40.6 / 1024)
"""One bit of a memory macro of 32 words at 28 nm: fakeram45_32x32, 1024 bits in 19.57 x 40.60 um,
made with bsg_fakeram and CACTI for the Nangate 45 nm platform of OpenROAD-flow-scripts."""


def bit_j(words: int) -> Band:
    """Energy to read or write one bit of a memory in banks of ``words`` words of 64 bits.

    The high end is that of the published 8 KB. The three published sizes, 8 KB to 1 MB, roughly
    follow the square root; the low end carries this to the size of a bank, at most 8 KB.
    """
    share = min(1.0, math.sqrt(words * ACCESS_BITS / 8 / ACCESS_BYTES))
    published_j = ACCESS_PJ / ACCESS_BITS * 1e-12
    return SCALING.energy.times(Band(low=share * published_j, high=published_j))

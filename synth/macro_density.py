"""Area of a small memory macro per bit, by node."""

MACRO_UM2_PER_BIT: dict[float | None, float] = {45: 19.57 * 40.6 / 1024}
"""By node: fakeram45_32x32, 1024 bits in 19.57 x 40.60 um, made with bsg_fakeram and CACTI for the
Nangate 45 nm platform of OpenROAD-flow-scripts. The open 130 nm PDKs publish no macro this small:
flops are smaller there than their smallest macro."""

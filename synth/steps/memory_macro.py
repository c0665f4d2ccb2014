"""Estimated area of a memory macro that keeps the marks of dropped columns in place of flops."""

from gaincell.config import HeadConfig
from gaincell.hdl.layouts import index_shape
from gaincell.synth.macro_density import MACRO_UM2_PER_BIT


def mark_bits(config: HeadConfig) -> int:
    """Bits of the memory; 0 without refresh."""
    return 0 if config.retention is None else config.tiles << index_shape(config.columns).width


def macro_area_um2(config: HeadConfig, node_nm: float | None) -> float:
    """Area, um2.

    Raises
    ------
    ValueError
        No density is known for the node.
    """
    if node_nm not in MACRO_UM2_PER_BIT:
        known = ", ".join(f"{node} nm" for node in MACRO_UM2_PER_BIT)
        node = "not known; --node-nm gives it" if node_nm is None else f"{node_nm:g} nm"
        raise ValueError(
            f"--memory macro needs a known density, which only {known} has: use flops "
            f"(the library's node is {node})"
        )
    return round(mark_bits(config) * MACRO_UM2_PER_BIT[node_nm], 1)

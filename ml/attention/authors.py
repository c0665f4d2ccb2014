"""Where the authors' training code departs from the contract; for reproduction only."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReferenceQuirks:
    """Deviations of the public code of Leroux et al. (2025); all on by default but the last.

    They are options of the attention op and not of ``HeadConfig``: no hardware does this.
    """

    half_steps: bool = True
    """Read-outs are rounded in steps of 1 / (n + 1/2) of the saturation charge: with n = 15, "32
    levels" of step 2/31, in fact 33 codes that reach 16 * 2/31 = 1.03."""
    sequence_tiles: bool = True
    """Sub-tiles are cut by position in the sequence: after the wrap the newest and the oldest part
    of a ring sub-tile are clipped on their own. The same as the ring up to T = M."""
    charge_decay: bool = False
    """The older convention of their example data: the whole charge of a cell decays by gamma per
    token, its constant term too, instead of the voltage."""

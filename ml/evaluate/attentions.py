"""Names of the attentions that an evaluation compares; needs no torch."""

from __future__ import annotations

from collections.abc import Sequence

from gaincell.behavioral.faults import Faults

RIVALS = ("sinks", "kivi-4", "kivi-2")
"""Attentions of ``gaincell.ml.evaluate.rivals``."""

ATTENTIONS = ("converted", "hardware", "linear", "stock", "softmax", "linear-kernel", *RIVALS)
"""Attentions of layers on the arrays in an evaluation. "converted": each layer's own kind;
"linear-kernel": ``linear_kernel_attention`` over the window; the others but ``RIVALS`` are kinds
of layers."""

ON_ARRAYS = ("converted", "hardware", "linear")
"""The attentions that faults of the arrays act on."""

DEFAULT = ("converted", "stock", "softmax", "linear-kernel")
"""Attentions in the evaluation of a converted model unless the user names others."""


def check_attentions(attentions: Sequence[str], faults: Faults | None) -> None:
    """Check that each attention is known, and that faults have arrays to act on.

    Raises
    ------
    ValueError
        An attention is unknown, or none of them has arrays although there are faults.
    """
    for attention in attentions:
        if attention not in ATTENTIONS:
            raise ValueError(f"kind {attention!r} is unknown: known are {', '.join(ATTENTIONS)}")
    if faults is not None and not set(attentions) & set(ON_ARRAYS):
        raise ValueError(
            f"faults need a row on arrays: one of the kinds {', '.join(ON_ARRAYS)} of a converted "
            "model"
        )

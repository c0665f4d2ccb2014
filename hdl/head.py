"""The digital control of one attention head."""

from gaincell.config import HeadConfig
from gaincell.core.config import CoreConfig
from gaincell.hdl.core.attention_core import AttentionCore
from gaincell.retention import Retention
from gaincell.schedule import Schedule


class Head(AttentionCore):
    """The core of one head: each stream carries a whole payload of ``hdl/layouts.py``.

    Parameters
    ----------
    config : HeadConfig
    timing, retention : optional
        As for ``AttentionCore``.
    """

    def __init__(
        self,
        config: HeadConfig,
        *,
        timing: Schedule | None = None,
        retention: Retention | None = None,
    ) -> None:
        super().__init__(CoreConfig(head=config), timing=timing, retention=retention)

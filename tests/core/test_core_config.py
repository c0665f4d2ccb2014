import re

import pytest

from gaincell.config import PRESETS, HeadConfig
from gaincell.core.config import CoreConfig, beats_of, core_of

TINY = PRESETS["tiny"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"heads": 0}, "heads is 0, but must be at least 1"),
        (
            {"heads": 4, "heads_per_group": 3},
            "heads is 4, but must be a multiple of heads_per_group (3)",
        ),
        ({"token_beat_bits": 0}, "token_beat_bits is 0, but must be 1..65536"),
        (
            {"heads": 9000},
            "9000 groups of 8 dimensions are 72000, but at most 65536 dimensions in lock step are "
            "possible; lower heads",
        ),
    ],
)
def test_refuses_what_cannot_be(fields, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        CoreConfig(head=TINY, **fields)


def test_refuses_a_head_that_is_none():
    with pytest.raises(TypeError, match='head is "tiny", but must be a HeadConfig'):
        CoreConfig(head="tiny")


def test_groups_in_lock_step_are_one_head_with_the_dimensions_of_all():
    core = CoreConfig(head=TINY, heads=6, heads_per_group=2)
    wide = core.lock_step
    assert (core.groups, wide.head_dim) == (3, 24)
    assert (wide.s_sat, wide.a_sat) == (TINY.s_sat, TINY.a_sat)
    assert (wide.timing, wide.retention) == (TINY.timing, TINY.retention)
    assert CoreConfig(head=TINY).lock_step is TINY
    assert core_of(TINY) == CoreConfig(head=TINY)
    assert core_of(core) is core


def test_counts_bits_and_beats_of_the_papers_layer():
    core = CoreConfig(heads=12, token_beat_bits=256, result_beat_bits=256)
    assert core.head == HeadConfig()
    assert (core.token_bits, core.stored_bits, core.result_bits) == (7680, 4608, 6912)
    assert core.beats_of_a_query == 30 + 27
    assert beats_of(7680, None) == 1
    assert beats_of(7, 3) == 3

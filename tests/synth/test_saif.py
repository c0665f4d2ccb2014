import pytest

from gaincell.synth.saif import WrongActivity, read_saif

SAIF = r"""(SAIFILE
(SAIFVERSION "2.0")
(TIMESCALE 1ps)
(DURATION 4000)
 (INSTANCE tb
  (NET
   (a (T0 4000) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 0))
  )
  (INSTANCE head
   (NET
    (a (T0 1000) (T1 3000) (TZ 0) (TX 0) (TB 0) (TC 8))
    (wide\[3\] (T0 4000) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 2))
   )
   (INSTANCE inner
    (NET
     (b (T0 0) (T1 4000) (TZ 0) (TX 0) (TB 0) (TC 1))
    )
   )
   (NET
    (c (T0 2000) (T1 2000) (TZ 0) (TX 0) (TB 0) (TC 1))
   )
  )
 )
)
"""


@pytest.fixture
def saif(tmp_path):
    path = tmp_path / "made.saif"
    path.write_text(SAIF)
    return path


def test_reads_the_nets_of_one_instance(saif):
    activity = read_saif(saif, ("tb", "head"), {"a", "wide[3]", "c", "b"})
    assert activity.high == {"a": 0.75, "wide[3]": 0.0, "c": 0.5}
    assert activity.changes_per_s == pytest.approx({"a": 2e9, "wide[3]": 5e8, "c": 2.5e8})
    assert activity.seconds == pytest.approx(4e-9)
    assert activity.matched == 0.75


def test_slower_clock_changes_less_often(saif):
    activity = read_saif(saif, ("tb", "head"), {"a"}).at_clock(1.0, 4.0)
    assert activity.changes_per_s == pytest.approx({"a": 5e8})
    assert activity.seconds == pytest.approx(16e-9)


def test_refuses_the_activity_of_another_netlist(saif):
    with pytest.raises(WrongActivity, match="lists 1 of the netlist's 4 nets"):
        read_saif(saif, ("tb", "head"), {"a", "n_1", "n_2", "n_3"})


@pytest.mark.parametrize(
    "text",
    ["", "$date today $end", SAIF.replace("(DURATION 4000)", ""), SAIF.replace("4000)", "0)")],
)
def test_refuses_what_is_no_saif(tmp_path, text):
    path = tmp_path / "wrong.saif"
    path.write_text(text)
    with pytest.raises(WrongActivity, match=r"wrong\.saif"):
        read_saif(path, ("tb", "head"), {"a"})

"""The example in the documentation of this package runs as it stands there."""

import doctest

import pytest

import gaincell.cocotb_tests


@pytest.mark.cosim
@pytest.mark.usefixtures("short_runs")
def test_the_packages_example_runs() -> None:
    outcome = doctest.testmod(gaincell.cocotb_tests)
    assert outcome.attempted > 8
    assert outcome.failed == 0

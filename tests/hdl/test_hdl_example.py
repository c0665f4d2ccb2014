"""The example in the docstring of ``gaincell.hdl`` prints what it says."""

import doctest

import gaincell.hdl


def test_the_example_of_the_package_runs():
    failures, tried = doctest.testmod(gaincell.hdl)
    assert failures == 0
    assert tried > 5

"""The example in the docstring of ``gaincell.behavioral`` prints what it says."""

import doctest

import gaincell.behavioral


def test_the_example_of_the_package_runs():
    failures, tried = doctest.testmod(gaincell.behavioral)
    assert failures == 0
    assert tried > 5

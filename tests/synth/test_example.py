"""The example in the docstring of ``gaincell.synth`` runs, and prints what it says."""

import doctest

import gaincell.synth


def test_the_example_of_the_package_prints_what_it_says():
    results = doctest.testmod(gaincell.synth)
    assert results.attempted > 5
    assert results.failed == 0

"""The example in the docstring of gaincell.ml.attention does what it shows."""

import doctest

import gaincell.ml.attention


def test_the_example_gives_the_printed_results():
    result = doctest.testmod(gaincell.ml.attention)
    assert result.attempted >= 10
    assert result.failed == 0

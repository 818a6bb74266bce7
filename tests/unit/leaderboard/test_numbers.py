"""Numbers as a reader sees them."""

from __future__ import annotations

import pytest

from suite.statistics import Summary
from suite.units import column, grouped


def summary(median: float, half: float | None) -> Summary:
    if half is None:
        return Summary(median=median, low=None, high=None, repeats=1, spread=None)
    return Summary(median=median, low=median - half, high=median + half, repeats=3, spread=0.01)


@pytest.mark.parametrize(
    ("values", "prefix"),
    [
        ([0.003, 0.004, 5.0], "m"),
        ([2.0], ""),
        ([4.1e-7, 8e-7], "n"),
        ([5e4], "k"),
        ([None, None], ""),
        ([0.0], ""),
        ([1e-30], "p"),
    ],
)
def test_a_column_takes_the_prefix_that_suits_its_middle(values: list[float | None], prefix: str) -> None:
    assert column(values).prefix == prefix


def test_no_more_digits_than_the_interval_supports() -> None:
    scale = column([0.0034567])
    assert scale.number(0.0034567, 0.0001) == "3.46"
    assert scale.number(0.0034567, 0.001) == "3.5"


def test_both_ends_of_an_interval_have_the_digits_of_its_middle() -> None:
    assert column([0.00345]).interval(summary(0.00345, 0.0002)) == "3.25–3.65"


def test_ends_in_the_thousands_have_no_more_digits_either() -> None:
    scale = column([7.0])
    assert (scale.number(7090.0, 286.0), scale.interval(summary(7090.0, 286.0))) == ("7,090", "6,800–7,380")


def test_a_single_repeat_has_no_interval() -> None:
    assert column([1.0]).interval(summary(1.0, None)) is None


@pytest.mark.parametrize(
    ("value", "text"), [(1234567.0, "1,230,000"), (0.0, "0"), (12.345, "12.3"), (999.6, "1,000"), (0.01234, "0.0123")]
)
def test_numbers_are_rounded_and_thousands_set_apart(value: float, text: str) -> None:
    assert grouped(value, 3) == text

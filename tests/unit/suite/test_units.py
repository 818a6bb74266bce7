"""Numbers to text, without inventing digits."""

from __future__ import annotations

import pytest

from suite.units import amounts, counted, digits_for, duration, memory, percent, plural, quantity, rate, symbol, times


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0123, "12.3 mJ"),
        (1234.0, "1.23 kJ"),
        (1.0, "1.00 J"),
        (0.0, "0 J"),
        (None, "—"),
        (-5.5e6, "-5.50 MJ"),
        (3e-14, "0.0300 pJ"),
    ],
)
def test_a_quantity_carries_a_prefix_and_three_digits(value: float | None, text: str) -> None:
    assert quantity(value, "J") == text


@pytest.mark.parametrize(("half", "digits"), [(None, 3), (0.0, 3), (50.0, 2), (5.0, 3), (0.001, 5)])
def test_no_more_digits_than_the_interval_supports(half: float | None, digits: int) -> None:
    assert digits_for(100.0, half) == digits


@pytest.mark.parametrize(
    ("seconds", "text"), [(42, "42 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (3720, "1 h 02 min")]
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_unknown_is_a_dash() -> None:
    assert percent(None) == "—"
    assert memory(None) == "—"


def test_memory_is_binary() -> None:
    assert memory(80 * 2**30) == "80.0 GiB"
    assert memory(300 * 2**20) == "300 MiB"


@pytest.mark.parametrize(
    ("unit", "one", "several"),
    [
        ("token", "token", "tokens"),
        ("launch", "launch", "launches"),
        ("flop", "FLOP", "FLOP"),
        ("byte", "B", "B"),
        ("ms", "ms", "ms"),
    ],
)
def test_a_unit_of_work_is_a_symbol_or_a_word_with_a_plural(unit: str, one: str, several: str) -> None:
    assert (symbol(unit), plural(unit)) == (one, several)


@pytest.mark.parametrize(
    ("units_per_s", "unit", "text"),
    [
        (3.77e14, "flop", "377 TFLOP/s"),
        (3.01e12, "byte", "3.01 TB/s"),
        (1.61e6, "token", "1,610,000 tokens/s"),
        (0.0, "flop", "0 FLOP/s"),
    ],
)
def test_only_rates_of_symbols_carry_prefixes(units_per_s: float, unit: str, text: str) -> None:
    assert rate(units_per_s, unit) == text


def test_amounts_of_words_stand_in_full() -> None:
    assert amounts([1e9], "token").factor == 1.0
    assert amounts([1e9], "byte").factor == 1e9


@pytest.mark.parametrize(("ratio", "text"), [(1.64, "1.6x"), (0.8, "0.80x"), (13.2, "13x"), (123.4, "120x")])
def test_a_ratio_has_two_digits(ratio: float, text: str) -> None:
    assert times(ratio) == text


def test_one_of_a_kind_is_not_several() -> None:
    assert [counted(count, "file") for count in (0, 1, 2)] == ["0 files", "1 file", "2 files"]

"""Numbers to text. The only place that scales: everything else holds J, s, W and bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from suite.statistics import Summary

_PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}


def quantity(value: float | None, unit: str, digits: int = 3) -> str:
    """`value` with an SI prefix and `digits` significant digits; an em dash for unknown."""
    if value is None:
        return "—"
    if value == 0:
        return f"0 {unit}"
    scale = column([value])
    return f"{significant(value / scale.factor, digits)} {scale.prefix}{unit}"


def significant(value: float, digits: int) -> str:
    """`value` to `digits` significant digits, without an exponent."""
    if value == 0:
        return "0"
    return rounded(value, _decimals(value, digits)).replace(",", "")


def rounded(value: float, decimals: int) -> str:
    """`value` to so many decimals, or below 0 to whole tens and hundreds; thousands set apart by commas."""
    return f"{round(value, decimals):,.{max(0, decimals)}f}"


def digits_for(value: float, half_width: float | None) -> int:
    """How many significant digits an interval supports: never more than the first two digits of its half-width."""
    if not half_width or value == 0:
        return 3
    ratio = math.log10(abs(value)) - math.log10(half_width)
    return min(5, max(2, math.floor(ratio) + 2))


def percent(share: float | None, digits: int = 2) -> str:
    return "—" if share is None else f"{significant(100 * share, digits)} %"


def times(ratio: float) -> str:
    """A ratio as "1.6x"."""
    return f"{significant(ratio, 2)}x"


_SYMBOLS = {"flop": "FLOP", "byte": "B", "ms": "ms"}
"""Units of work that have a symbol; all others are words."""

_PREFIXED = ("flop", "byte")
"""Units of which there are so many that they carry SI prefixes."""


def symbol(unit: str) -> str:
    """A unit of work behind "J/": "FLOP", "B", "token"."""
    return _SYMBOLS.get(unit.lower(), unit)


def plural(unit: str) -> str:
    """Several of a unit of work: "tokens", "launches"; a symbol stays as it is."""
    if unit.lower() in _SYMBOLS:
        return symbol(unit)
    return f"{unit}es" if unit.endswith(("s", "x", "ch", "sh")) else f"{unit}s"


def counted(count: int, noun: str) -> str:
    """ "1 file", "2 files"."""
    return f"{count} {noun if count == 1 else plural(noun)}"


def amounts(values: Iterable[float], unit: str) -> Scale:
    """The scale for amounts of work: units with SI prefixes take the one that suits, all others stand in full."""
    return column(values) if unit.lower() in _PREFIXED else Scale(1.0, "")


def rate(units_per_s: float, unit: str) -> str:
    """Work per second: "1,230 tokens/s", "4.56 TFLOP/s"."""
    scale = amounts([units_per_s], unit)
    return f"{grouped(units_per_s / scale.factor)} {scale.prefix}{plural(unit)}/s"


def duration(seconds: float) -> str:
    """Seconds as "42 s", "3 min 05 s" or "1 h 02 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def memory(byte_count: int | None) -> str:
    """Bytes in binary gibibytes or mebibytes, as memory is sold."""
    if byte_count is None:
        return "—"
    if byte_count >= 2**30:
        return f"{byte_count / 2**30:.1f} GiB"
    return f"{byte_count / 2**20:.0f} MiB"


@dataclass(frozen=True, slots=True)
class Scale:
    """A power of a thousand for a whole column and the SI prefix that names it."""

    factor: float
    prefix: str

    def number(self, value: float, half_width: float | None) -> str:
        """`value` in this scale, with no more digits than its interval supports."""
        return grouped(value / self.factor, digits_for(value, half_width))

    def interval(self, summary: Summary) -> str | None:
        """ "3.31–3.53"; None for a single repeat."""
        if summary.low is None or summary.high is None:
            return None
        decimals = _decimals(summary.median / self.factor, digits_for(summary.median, half_width(summary)))
        return "–".join(rounded(end / self.factor, decimals) for end in (summary.low, summary.high))


def column(values: Iterable[float | None]) -> Scale:
    """The scale on which the middle of these values reads between 1 and 1000; unit scale when none is known."""
    known = [abs(value) for value in values if value]
    if not known:
        return Scale(1.0, "")
    exponent = 3 * math.floor(math.log10(median(known)) / 3)
    exponent = min(max(exponent, min(_PREFIXES)), max(_PREFIXES))
    return Scale(10.0**exponent, _PREFIXES[exponent])


def half_width(summary: Summary) -> float | None:
    """Half the width of the 95 % interval; None for a single repeat."""
    return None if summary.low is None or summary.high is None else (summary.high - summary.low) / 2


def grouped(value: float, digits: int = 3) -> str:
    """`value` rounded to `digits` significant digits, thousands set apart by commas."""
    return "0" if value == 0 else rounded(value, _decimals(value, digits))


def _decimals(value: float, digits: int) -> int:
    return 0 if value == 0 else digits - 1 - math.floor(math.log10(abs(value)))

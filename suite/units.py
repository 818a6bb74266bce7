"""Numbers to text. The only place that scales: everything else holds J, s, W and bytes."""

from __future__ import annotations

import math

JOULES_PER_KWH = 3.6e6

_PREFIXES = (
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
    (1e-12, "p"),
)


def quantity(value: float | None, unit: str, digits: int = 3) -> str:
    """`value` with an SI prefix and `digits` significant digits; an em dash for unknown."""
    if value is None:
        return "—"
    if value == 0:
        return f"0 {unit}"
    factor, prefix = next((pair for pair in _PREFIXES if abs(value) >= pair[0] * (1 - 1e-12)), _PREFIXES[-1])
    return f"{significant(value / factor, digits)} {prefix}{unit}"


def significant(value: float, digits: int) -> str:
    """`value` to `digits` significant digits, without an exponent."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def digits_for(value: float, half_width: float | None) -> int:
    """How many significant digits an interval supports: never more than the first two digits of its half-width."""
    if not half_width or value == 0:
        return 3
    ratio = math.log10(abs(value)) - math.log10(half_width)
    return min(5, max(2, math.floor(ratio) + 2))


def percent(share: float | None, digits: int = 2) -> str:
    return "—" if share is None else f"{significant(100 * share, digits)} %"


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

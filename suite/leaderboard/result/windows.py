"""The windows of an attempt as text: when, how much work, and the joules with their second opinion."""

from __future__ import annotations

from dataclasses import dataclass

from suite.energy import Energy
from suite.record import Attempt
from suite.trace import Window
from suite.units import amounts, grouped


@dataclass(frozen=True, slots=True, kw_only=True)
class Joules:
    """A window's joules within one boundary, and by how much another method differs. None is unknown."""

    text: str | None
    second: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLine:
    """One window; `joules` for each boundary."""

    start: str
    length: str
    units: str
    rate: str
    joules: tuple[Joules, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryColumn:
    """A boundary the windows have joules within, and whether any of them has a second opinion."""

    boundary: str
    has_second: bool


def window_lines(attempt: Attempt, unit: str) -> tuple[WindowLine, ...]:
    """`unit` is the work's: amounts of some have SI prefixes."""
    return tuple(
        _line(window, energies, unit) for window, energies in zip(attempt.windows, attempt.energies, strict=True)
    )


def boundary_columns(attempt: Attempt) -> tuple[BoundaryColumn, ...]:
    return tuple(
        BoundaryColumn(boundary=column[0].boundary, has_second=any(_second(energy) for energy in column))
        for column in zip(*attempt.energies, strict=True)
    )


def _line(window: Window, energies: tuple[Energy, ...], unit: str) -> WindowLine:
    return WindowLine(
        start=f"{window.start_ns / 1e9:.2f}",
        length=f"{window.duration_s:.3f}",
        units=_amount(window.units, unit),
        rate=_amount(window.units / window.duration_s, unit),
        joules=tuple(
            Joules(text=None if one.joules is None else grouped(one.joules, 4), second=_second(one)) for one in energies
        ),
    )


def _amount(value: float, unit: str) -> str:
    """Work in four digits, or every unit of it where there is a whole number without a prefix."""
    scale = amounts([value], unit)
    if isinstance(value, int) and not scale.prefix:
        return f"{value:,}"
    return f"{grouped(value / scale.factor, 4)} {scale.prefix}".rstrip()


def _second(energy: Energy) -> str | None:
    """ "+1.2 %": the other method over this one."""
    if not energy.joules or energy.second_j is None:
        return None
    return f"{100 * (energy.second_j / energy.joules - 1):+.1f} %".replace("-", "−")

"""Quantities that surround the energy, as a reader sees them: what they are called and in which unit they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from suite.units import grouped, quantity

IMPLAUSIBLE = 1e15
"""Nothing a gauge reads is that large; a stranger's file may still say so."""

_UNITS = {"mhz": ("MHz", 1.0), "c": ("°C", 1.0), "w": ("W", 1.0), "s": ("s", 1.0), "bytes": ("GiB", 2.0**-30)}
"""Last part of a quantity's name -> its unit, and what one of the quantity is in that unit."""

_SHARES = ("utilisation",)

_FLAGS = (
    "hw_slowdown",
    "hw_thermal_slowdown",
    "power_brake",
    "sw_thermal_slowdown",
    "sw_power_cap",
    "clocks_set",
    "on_battery",
)

_LABELS = {
    "sm_clock": "SM clock",
    "cpu_clock": "CPU clock",
    "driver_lag": "Age of the driver's newest sample",
    "process_memory": "Memory of its processes",
    "ecc_uncorrected": "Uncorrected memory errors",
    "hw_slowdown": "Hardware slowdown",
    "hw_thermal_slowdown": "Hardware thermal slowdown",
    "sw_thermal_slowdown": "Driver's thermal slowdown",
    "sw_power_cap": "Held at its power limit",
    "clocks_set": "Clocks fixed by a user",
}
"""Names that do not read well with their underscores taken out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """How a quantity is written. A flag is "yes" or "no"; what is counted has no unit."""

    label: str
    unit: str | None
    factor: float
    is_flag: bool

    def text(self, value: float) -> str:
        """The value with its unit."""
        if self.is_flag:
            return "yes" if value else "no"
        if self.unit == "s":
            return quantity(value, "s")
        number = _number(value * self.factor)
        return number if self.unit is None else f"{number} {self.unit}"


def _number(value: float) -> str:
    """Whole numbers in full: a clock of 1,912 MHz is read as such."""
    return f"{value:,.0f}" if value.is_integer() or abs(value) >= 1000 else grouped(value)


def described(name: str) -> Quantity:
    """A quantity by its name in the result, whose last part is its unit."""
    stem, _, suffix = name.rpartition("_")
    known = suffix in _UNITS and stem != ""
    unit, factor = _UNITS[suffix] if known else ("%", 100.0) if name in _SHARES else (None, 1.0)
    stem = stem if known else name
    words = stem.replace("_", " ")
    return Quantity(
        label=_LABELS.get(stem, words[:1].upper() + words[1:]), unit=unit, factor=factor, is_flag=name in _FLAGS
    )


def known(values: Iterable[float | None]) -> list[float]:
    """The values that answered, as far as they can be true."""
    return [value for value in values if value is not None and abs(value) < IMPLAUSIBLE]

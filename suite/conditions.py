"""What gauges saw to reason codes with their instants. Pure.

A sample speaks for the stretch since the one before it: what it shows began, or was counted, in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from suite.energy import HOST
from suite.trace import Conditions, Event, Window

SUSPEND_S = 0.1
"""CLOCK_BOOTTIME runs on in a suspend and CLOCK_MONOTONIC does not: apart by more than this, there was one."""

STEP_S = 0.1
"""The wall clock moved by more than this against CLOCK_MONOTONIC: somebody set it."""

SLEWED, UNSTEADY = 1e-3, 1e-2
"""Rates of CLOCK_MONOTONIC against the hardware's clock: MLPerf's LoadGen warns at the first, refuses at the second."""

SWAPPED_PAGES = 256
"""A mebibyte between two samples: less is the kernel tidying up."""

FOREIGN_CORES, FOREIGN_SHARE, FOREIGN_HEAVY_SHARE = 0.05, 0.01, 0.05
"""Others are flagged from this much of one core, or of the machine where that is more; from the last on, refused."""

STOLEN_SHARE = 0.01

Pair = tuple[float, float]
Rule = Callable[[Pair, float], bool]
"""What it takes: the quantity before and now, and the seconds between."""


def _set(pair: Pair, _: float) -> bool:
    return pair[1] > 0


def _rose(pair: Pair, _: float) -> bool:
    return pair[1] > pair[0]


def _changed(pair: Pair, _: float) -> bool:
    return pair[1] != pair[0]


def _apart(limit: float) -> Rule:
    return lambda pair, _: abs(pair[1] - pair[0]) > limit


def _rate(low: float, high: float) -> Rule:
    return lambda pair, seconds: low < abs(pair[1] - pair[0]) / seconds <= high


_RULES: tuple[tuple[str, str, Rule], ...] = (
    ("hw_slowdown", "hw_slowdown", _set),
    ("hw_thermal_slowdown", "hw_thermal_slowdown", _set),
    ("power_brake", "power_brake", _set),
    ("sw_thermal_slowdown", "sw_thermal_slowdown", _set),
    ("sw_power_cap", "sw_power_cap", _set),
    ("clocks_set", "clocks_set", _set),
    ("power_limit_w", "power_limit_changed", _changed),
    ("ecc_uncorrected", "ecc_uncorrected", _rose),
    ("graphics_processes", "foreign_graphics", _set),
    ("swapped_pages", "swapping", _apart(SWAPPED_PAGES)),
    ("cpu_throttle_count", "cpu_throttled", _rose),
    ("on_battery", "on_battery", _set),
    ("boottime_s", "suspended", _apart(SUSPEND_S)),
    ("realtime_s", "clock_stepped", _apart(STEP_S)),
    ("raw_s", "clock_slewed", _rate(SLEWED, UNSTEADY)),
    ("raw_s", "clock_unsteady", _rate(UNSTEADY, float("inf"))),
)
"""Quantity, the code it gives, and when."""


def events_of(conditions: Conditions, *, workers: int) -> tuple[Event, ...]:
    """Every code these conditions give. `workers` is how many processes of ours computed on the device meanwhile."""
    rules = (*_RULES, ("compute_processes", "foreign_compute", lambda pair, _: pair[1] > workers))
    found: list[Event] = []
    for quantity, code, rule in rules:
        found += _joined(_fires(conditions, quantity, code, rule))
    return tuple(sorted(found, key=lambda event: (event.start_ns, event.code)))


def _fires(conditions: Conditions, quantity: str, code: str, rule: Rule) -> Iterator[Event]:
    values = conditions.values.get(quantity, ())
    known = [(at_ns, value) for at_ns, value in zip(conditions.at_ns, values, strict=False) if value is not None]
    # Clocks and suspends strike every domain; what the host does otherwise bears on what is counted of the host.
    domain = None if code in _EVERYWHERE else conditions.domain
    for (before_ns, before), (now_ns, now) in pairwise(known):
        if rule((before, now), (now_ns - before_ns) / 1e9):
            yield Event(code=code, start_ns=before_ns, end_ns=now_ns, domain=domain)


_EVERYWHERE = ("suspended", "clock_slewed", "clock_unsteady", "clock_stepped", "on_battery", "swapping")


def _joined(events: Iterator[Event]) -> Iterator[Event]:
    """Stretches that follow each other without a break, as one."""
    held: Event | None = None
    for event in events:
        if held is not None and event.start_ns <= held.end_ns:
            held = Event(code=held.code, start_ns=held.start_ns, end_ns=event.end_ns, domain=held.domain)
            continue
        if held is not None:
            yield held
        held = event
    if held is not None:
        yield held


def load_events(window: Window, *, foreign_cpu_s: float, stolen_cpu_s: float, cores: int) -> tuple[Event, ...]:
    """Codes for CPU time that went to others while the window was open."""
    foreign_cores = foreign_cpu_s / window.duration_s
    codes = []
    if foreign_cores > FOREIGN_HEAVY_SHARE * cores:
        codes.append(("foreign_cpu_heavy", f"{foreign_cores:.2f} cores"))
    elif foreign_cores > max(FOREIGN_CORES, FOREIGN_SHARE * cores):
        codes.append(("foreign_cpu", f"{foreign_cores:.2f} cores"))
    if stolen_cpu_s > STOLEN_SHARE * cores * window.duration_s:
        codes.append(("cpu_stolen", f"{stolen_cpu_s:.2f} s"))
    return tuple(
        Event(code=code, start_ns=window.start_ns, end_ns=window.end_ns, domain=HOST, detail=detail)
        for code, detail in codes
    )

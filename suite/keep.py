"""What is kept of a stretch of tape: ticks, events, conditions, and the joules that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from suite.conditions import events_of
from suite.energy import Energy, boundaries, window_energy
from suite.tape import Tape, merged
from suite.trace import Conditions, Event, Meter, Ticks, Window, thin

UNTOLD = (
    "boottime_s",
    "realtime_s",
    "raw_s",
    "cpu_busy_s",
    "cpu_steal_s",
    "cpu_pressure_s",
    "memory_pressure_s",
    "swapped_pages",
    "cpu_throttle_count",
)
"""Quantities since boot: what they mean for the run are events; the rest would only tell when the machine started."""


def what_happened(
    tape: Tape, start_ns: int, end_ns: int, origin_ns: int, *, workers: int
) -> tuple[tuple[Event, ...], tuple[Conditions, ...]]:
    """Events of the meters and of what surrounded them, and the conditions that may be told, from `origin_ns` on."""
    seen = tape.conditions(start_ns, end_ns, origin_ns)
    found = [event for one in seen for event in events_of(one, workers=workers)]
    events = merged([*tape.events_in(start_ns, end_ns, origin_ns), *map(_from_zero, found)])
    return tuple(events), tuple(told for told in map(_told, seen) if told.values)


def _from_zero(event: Event) -> Event:
    """What began before the origin began with it."""
    start_ns = max(0, event.start_ns)
    return replace(event, start_ns=start_ns, end_ns=max(start_ns, event.end_ns))


def _told(conditions: Conditions) -> Conditions:
    first = next((index for index, at_ns in enumerate(conditions.at_ns) if at_ns >= 0), len(conditions.at_ns))
    values = {name: column[first:] for name, column in conditions.values.items() if name not in UNTOLD}
    return Conditions(conditions.domain, conditions.at_ns[first:], _answered(values))


def _answered(values: dict[str, tuple[float | None, ...]]) -> dict[str, tuple[float | None, ...]]:
    """Quantities that answered at least once; one that was 0 throughout did."""
    return {name: column for name, column in values.items() if any(value is not None for value in column)}


def thinned(ticks: Sequence[Ticks], windows: Sequence[Window]) -> tuple[Ticks, ...]:
    return tuple(thin(series, windows) for series in ticks)


def energies(
    meters: Sequence[Meter], ticks: Sequence[Ticks], windows: Sequence[Window], events: Sequence[Event]
) -> tuple[tuple[Energy, ...], ...]:
    """For each window, one energy per boundary the meters can speak for."""
    return tuple(
        tuple(window_energy(meters, ticks, window, boundary, events) for boundary in boundaries(meters))
        for window in windows
    )


def rail_ticks(rails: Sequence[tuple[int, Sequence[tuple[Window, float]]]]) -> tuple[Ticks, ...]:
    """Ticks of rails whose mean power is known for each window: (meter, (window, watts) ...)."""
    return tuple(_rail(meter, powers) for meter, powers in rails if powers)


def _rail(meter: int, powers: Sequence[tuple[Window, float]]) -> Ticks:
    at_ns: list[int] = []
    energy_uj: list[int] = []
    counted_uj = 0
    for window, power_w in powers:
        at_ns += [window.start_ns, window.end_ns]
        energy_uj += [counted_uj, counted_uj + round(power_w * window.duration_s * 1e6)]
        counted_uj = energy_uj[-1]
    return Ticks(meter, tuple(at_ns), tuple(energy_uj))

"""What arrives from the samplers, kept until an attempt is cut out of it. Instants are CLOCK_MONOTONIC."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from suite.trace import Conditions, Event, Ticks

KEPT_MARGIN_NS = 1_000_000_000
"""How much of the tape before and after an attempt goes with it, so that its edges can be followed."""


@dataclass(slots=True)
class Series:
    """One meter's growing series: sixteen bytes a tick."""

    at_ns: array[int] = field(default_factory=lambda: array("q"))
    energy_uj: array[int] = field(default_factory=lambda: array("q"))
    newest_uj: int = 0  # outlives what is forgotten
    zero_uj: int | None = 0  # where the counter starts; None: it starts anew, from the next tick

    def add(self, at_ns: Iterable[int], energy_uj: Iterable[int]) -> None:
        for instant, value in zip(at_ns, energy_uj, strict=True):
            if self.zero_uj is None:
                self.zero_uj = self.newest_uj - value
            if self.at_ns and instant <= self.at_ns[-1]:
                continue  # a tick and a keepalive of one instant
            self.newest_uj = self.zero_uj + value
            self.at_ns.append(instant)
            self.energy_uj.append(self.newest_uj)

    def cut(self, meter: int, start_ns: int, end_ns: int, origin_ns: int) -> Ticks:
        first, last = bisect_left(self.at_ns, start_ns), bisect_right(self.at_ns, end_ns)
        zero_uj = self.energy_uj[first] if first < last else 0
        return Ticks(
            meter,
            tuple(instant - origin_ns for instant in self.at_ns[first:last]),
            tuple(value - zero_uj for value in self.energy_uj[first:last]),
        )

    def forget_before(self, at_ns: int) -> None:
        first = max(0, bisect_left(self.at_ns, at_ns) - 1)
        del self.at_ns[:first], self.energy_uj[:first]


@dataclass(slots=True)
class Tape:
    """The series of all meters, what happened to them, and what surrounded them."""

    series: list[Series] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    looks: list[tuple[str, int, dict[str, float]]] = field(default_factory=list)  # domain, instant, quantities

    def expect(self, meters: int) -> None:
        self.series += [Series() for _ in range(meters - len(self.series))]

    def restart(self, meter: int) -> None:
        """This meter's counter will start anew: what comes is laid on what was."""
        self.series[meter].zero_uj = None

    def reaches(self, at_ns: int) -> bool:
        """Whether every meter that has ever ticked was read after `at_ns`."""
        return all(not one.at_ns or one.at_ns[-1] > at_ns for one in self.series)

    def cut(self, start_ns: int, end_ns: int, origin_ns: int) -> tuple[Ticks, ...]:
        """The ticks of a stretch and a margin around it, counted from `origin_ns` and from zero joules."""
        first_ns, last_ns = max(start_ns - KEPT_MARGIN_NS, origin_ns), end_ns + KEPT_MARGIN_NS
        cuts = (one.cut(meter, first_ns, last_ns, origin_ns) for meter, one in enumerate(self.series) if one.at_ns)
        return tuple(ticks for ticks in cuts if ticks.at_ns)

    def events_in(self, start_ns: int, end_ns: int, origin_ns: int) -> tuple[Event, ...]:
        """What happened to the meters in a stretch, from `origin_ns`; what began before began at 0."""
        return tuple(
            replace(event, start_ns=max(0, event.start_ns - origin_ns), end_ns=event.end_ns - origin_ns)
            for event in merged(self.events)
            if event.start_ns <= end_ns and event.end_ns >= max(start_ns, origin_ns)
        )

    def conditions(self, start_ns: int, end_ns: int, origin_ns: int) -> tuple[Conditions, ...]:
        """What the gauges saw in a stretch, by domain; the look before it is kept, for changes are seen from it."""
        found: dict[str, list[tuple[int, dict[str, float]]]] = {}
        for domain, at_ns, values in self.looks:
            if at_ns <= end_ns + KEPT_MARGIN_NS:
                seen = found.setdefault(domain, [])
                if at_ns < start_ns and seen:
                    seen.pop()
                seen.append((at_ns - origin_ns, values))
        return tuple(_columns(domain, seen) for domain, seen in found.items())

    def clock(self, start_ns: int) -> tuple[tuple[int, float], ...]:
        """How far the wall clock was ahead of CLOCK_MONOTONIC, at each look since just before `start_ns`."""
        looks = [(at_ns, values["realtime_s"]) for _, at_ns, values in self.looks if "realtime_s" in values]
        first = max(0, bisect_left([at_ns for at_ns, _ in looks], start_ns) - 1)
        return tuple(looks[first:])

    def forget_before(self, at_ns: int) -> None:
        """Drop what no later attempt can need."""
        for one in self.series:
            one.forget_before(at_ns - 2 * KEPT_MARGIN_NS)
        self.events = [event for event in self.events if event.end_ns >= at_ns]
        self.looks = [look for look in self.looks if look[1] >= at_ns - 4 * KEPT_MARGIN_NS]


def _columns(domain: str, seen: list[tuple[int, dict[str, float]]]) -> Conditions:
    names = sorted({name for _, values in seen for name in values})
    return Conditions(
        domain,
        tuple(at_ns for at_ns, _ in seen),
        {name: tuple(values.get(name) for _, values in seen) for name in names},
    )


def merged(events: Iterable[Event]) -> list[Event]:
    """Events of one code and one meter that overlap, as one; the first one's words are kept."""
    found: list[Event] = []
    for event in sorted(events, key=lambda one: (one.code, one.meter or 0, one.domain or "", one.start_ns)):
        last = found[-1] if found else None
        same = last is not None and (last.code, last.meter, last.domain) == (event.code, event.meter, event.domain)
        if last is not None and same and event.start_ns <= last.end_ns:
            found[-1] = replace(last, end_ns=max(last.end_ns, event.end_ns))
        else:
            found.append(event)
    return sorted(found, key=lambda one: (one.start_ns, one.code))

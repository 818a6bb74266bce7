"""The meters' readings as they arrive from the sampler, kept until an attempt is cut out of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from suite.energy import Ticks

KEPT_MARGIN_NS = 1_000_000_000
"""How much of the tape before and after an attempt goes with it, so that its edges can be interpolated."""


@dataclass(slots=True)
class Tape:
    """One growing series per meter, on CLOCK_MONOTONIC."""

    at_ns: list[list[int]] = field(default_factory=list)
    energy_uj: list[list[int]] = field(default_factory=list)

    def add(self, meter: int, at_ns: list[int], energy_uj: list[int]) -> None:
        while len(self.at_ns) <= meter:
            self.at_ns.append([])
            self.energy_uj.append([])
        self.at_ns[meter].extend(at_ns)
        self.energy_uj[meter].extend(energy_uj)

    def reaches(self, at_ns: int) -> bool:
        """Whether every meter that has ever ticked was read after `at_ns`."""
        return all(not series or series[-1] > at_ns for series in self.at_ns)

    def cut(self, start_ns: int, end_ns: int, origin_ns: int) -> tuple[Ticks, ...]:
        """The ticks of a stretch and a margin around it, counted from `origin_ns` and from zero joules."""
        return tuple(
            _cut(
                meter, instants, self.energy_uj[meter], (start_ns - KEPT_MARGIN_NS, end_ns + KEPT_MARGIN_NS), origin_ns
            )
            for meter, instants in enumerate(self.at_ns)
            if instants
        )

    def forget_before(self, at_ns: int) -> None:
        """Drop what no later attempt can need."""
        for meter, instants in enumerate(self.at_ns):
            first = max(0, bisect_left(instants, at_ns - 2 * KEPT_MARGIN_NS) - 1)
            del instants[:first], self.energy_uj[meter][:first]


def _cut(meter: int, at_ns: list[int], energy_uj: list[int], span_ns: tuple[int, int], origin_ns: int) -> Ticks:
    first = bisect_left(at_ns, max(span_ns[0], origin_ns))
    last = bisect_right(at_ns, span_ns[1])
    zero_uj = energy_uj[first] if first < last else 0
    return Ticks(
        meter,
        tuple(instant - origin_ns for instant in at_ns[first:last]),
        tuple(value - zero_uj for value in energy_uj[first:last]),
    )

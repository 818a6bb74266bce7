"""The energy roofline of a result: what an operation costs at least at each intensity, and where each cell stands.

    floor(I) = e_flop + e_byte / I + P_const * max(1 / peak, 1 / (I * bandwidth))        J/FLOP

I is the operational intensity F / Q in FLOP per byte; see `suite.roofline` for the coefficients and their source.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from suite.leaderboard.drawing.labels import Field, Label, labels
from suite.leaderboard.drawing.logaxis import LogAxis, Tick, spanning
from suite.normalise import Score, score
from suite.record import CellResult, Result
from suite.roofline import CALIB, Calibration, Meters, calibrations, roofline
from suite.units import grouped, quantity

WIDTH, HEIGHT = 860.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 84.0, 850.0, 32.0, 330.0
STEPS = 64
"""Straight pieces of a drawn curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The four coefficients of one machine at one precision."""

    joules_per_flop: float
    joules_per_byte: float
    constant_w: float
    flops_per_s: float
    bytes_per_s: float

    @property
    def balance(self) -> float:
        """FLOP per byte at which arithmetic and memory take the same time."""
        return self.flops_per_s / self.bytes_per_s

    def at(self, intensity: float) -> float:
        """The least joules per FLOP at so many FLOP per byte."""
        slowest_s = max(1 / self.flops_per_s, 1 / (intensity * self.bytes_per_s))
        return self.joules_per_flop + self.joules_per_byte / intensity + self.constant_w * slowest_s


def floor_of(limits: Calibration, precision: str) -> Floor | None:
    """None while any coefficient is unknown: half a floor would be a lower one."""
    products = limits.products.get(precision)
    if products is None or products.joules_per_flop is None:
        return None
    if limits.joules_per_byte is None or limits.constant_w is None or limits.bytes_per_s is None:
        return None
    return Floor(
        joules_per_flop=products.joules_per_flop,
        joules_per_byte=limits.joules_per_byte,
        constant_w=limits.constant_w,
        flops_per_s=products.flops_per_s,
        bytes_per_s=limits.bytes_per_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A cell: FLOP per byte, measured and least joules per FLOP; `low` and `high` None for a single repeat."""

    number: int
    name: str
    work: str  # what it is called beside its mark
    precision: str
    meter_class: str
    intensity: float
    joules: float
    low: float | None
    high: float | None
    floor: float
    over: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A cell in the drawing and in the table beside it."""

    number: int
    name: str
    x: float
    y: float
    low_y: float
    high_y: float
    colour: int
    intensity: str
    joules: str
    interval: str | None
    floor: str
    over: str | None
    label: Label | None = None  # the work's name, where there is room for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The floor at one precision, by one class of meter."""

    name: str
    colour: int
    points: str
    balance_x: float | None  # None where it lies outside the drawing
    balance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofchart:
    """The drawing: a floor for each precision and class of meter, and the cells held against it."""

    curves: tuple[Curve, ...]
    dots: tuple[Dot, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def places(result: Result, limits: Mapping[Meters, Calibration] | None = None) -> list[tuple[Place, Floor]]:
    """The cells that a complete calibration of their own meters can be held against, within the device boundary."""
    return list(_places(result.cells, calibrations(result) if limits is None else limits))


def _places(cells: Sequence[CellResult], limits: Mapping[Meters, Calibration]) -> Iterator[tuple[Place, Floor]]:
    for number, cell in enumerate(cells, start=1):
        scored = score(cell, "device")
        if scored is None or cell.cell.workload == CALIB:
            continue
        floor = floor_of(limits["device", scored.meter_class], cell.cell.precision)
        line = roofline(cell, scored, limits["device", scored.meter_class])
        place = None if floor is None else _place(number, cell, scored, floor, line.over if line else None)
        if floor is not None and place is not None:
            yield place, floor


def _place(number: int, cell: CellResult, scored: Score, floor: Floor, over: str | None) -> Place | None:
    work, energy, ran = cell.work, scored.joules_per_unit, cell.cell
    if energy is None or energy.median <= 0 or not work.flops_per_step or not work.bytes_per_step:
        return None
    each = work.units_per_step / work.flops_per_step
    intensity = work.flops_per_step / work.bytes_per_step
    return Place(
        number=number,
        name=f"{ran.workload} {ran.mode}, size {ran.size}, {ran.framework} {ran.precision}",
        work=f"{ran.workload} {ran.mode} {ran.size}",
        precision=ran.precision,
        meter_class=scored.meter_class,
        intensity=intensity,
        joules=energy.median * each,
        low=None if energy.low is None else energy.low * each,
        high=None if energy.high is None else energy.high * each,
        floor=floor.at(intensity),
        over=over,
    )


def roofchart(result: Result, limits: Mapping[Meters, Calibration] | None = None) -> Roofchart | None:
    """None where no cell has a complete calibration to be held against.

    `limits` are the result's own `calibrations`, where they are known already.
    """
    found = places(result, limits)
    if not found:
        return None
    floors = {(place.precision, place.meter_class): floor for place, floor in found}
    across = spanning(
        [*(place.intensity for place, _ in found), *(floor.balance for floor in floors.values())], LEFT, RIGHT
    )
    up = spanning(
        [end for place, _ in found for end in (*_ends(place), place.floor)]
        + [floor.at(end) for floor in floors.values() for end in (across.low, across.high)],
        BOTTOM,
        TOP,
    )
    colours = {key: 1 + index % 6 for index, key in enumerate(floors)}
    return Roofchart(
        curves=tuple(_curve(key, floor, colours[key], across, up) for key, floor in floors.items()),
        dots=_named(
            [_dot(place, colours[place.precision, place.meter_class], across, up) for place, _ in found],
            [place.work for place, _ in found],
        ),
        across=across.ticks("FLOP/B", prefixed=False),
        up=up.ticks("J/FLOP"),
    )


def _ends(place: Place) -> tuple[float, float]:
    low, high = place.low or place.joules, place.high or place.joules
    return (low if low > 0 else place.joules, high)


def _intensity(flops_per_byte: float) -> str:
    return f"{grouped(flops_per_byte)} FLOP/B"


def _curve(key: tuple[str, str], floor: Floor, colour: int, across: LogAxis, up: LogAxis) -> Curve:
    ratio = math.log(across.high / across.low)
    steps = [across.low * math.exp(ratio * step / STEPS) for step in range(STEPS + 1)]
    inside = across.low < floor.balance < across.high
    return Curve(
        name=f"{key[0]}, {key[1]}",
        colour=colour,
        points=" ".join(f"{across.place(each)},{up.place(floor.at(each))}" for each in steps),
        balance_x=across.place(floor.balance) if inside else None,
        balance=_intensity(floor.balance),
    )


def _named(dots: Sequence[Dot], works: Sequence[str]) -> tuple[Dot, ...]:
    """Each piece of work once: its frameworks' marks stand close together."""
    wanted: dict[str, int] = {}
    for number, work in enumerate(works):
        wanted.setdefault(work, number)
    marks = [(dot.x, dot.y) for dot in dots]
    found = labels({number: work for work, number in wanted.items()}, marks, Field(LEFT, TOP, RIGHT, BOTTOM))
    return tuple(replace(dot, label=found.get(number)) for number, dot in enumerate(dots))


def _dot(place: Place, colour: int, across: LogAxis, up: LogAxis) -> Dot:
    low, high = _ends(place)
    known = place.low is not None and place.high is not None
    return Dot(
        number=place.number,
        name=place.name,
        x=across.place(place.intensity),
        y=up.place(place.joules),
        low_y=up.place(low),
        high_y=up.place(high),
        colour=colour,
        intensity=_intensity(place.intensity),
        joules=quantity(place.joules, "J/FLOP"),
        interval=f"{quantity(low, 'J/FLOP')} to {quantity(high, 'J/FLOP')}" if known else None,
        floor=quantity(place.floor, "J/FLOP"),
        over=place.over,
    )

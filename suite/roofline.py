"""Why a cell costs what it costs: its distance from what this machine's own arithmetic and memory can do. Pure.

    E_floor = F * e_flop + Q * e_byte + P_const * max(F / peak, Q / bandwidth)

F and Q are the operations and the least memory traffic of one unit of work, by the workload's own formulas. Everything
else is the machine's, found on it in the same run by the cells of the workload `calib`. Arithmetic may go on while data
move, so times overlap and the longer one counts; energies do not, so they add up. Source: Choi, Bedard, Fowler, Vuduc,
"A roofline model of energy", IPDPS 2013.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from suite.energy import MeterClass
from suite.normalise import Score, boundaries_of, idle_powers_w, score
from suite.record import CellResult, Result
from suite.trace import Boundary
from suite.units import percent, times

CALIB = "calib"
"""The workload whose cells find out what the machine can do. They have limits, not reasons."""

LEAST_SHARE = 1 / 3
"""Below this share of both rates neither of them is what holds a cell back."""

Bound = Literal["compute", "memory"]
"""Which roof is the lower one: that of the arithmetic or that of the memory."""

Limit = Literal["compute", "memory", "neither"]
"""What holds a cell back: its lower roof, or neither where it is far below both."""

_POWERS = ("matmul", "copy", "idle")
"""Modes of `calib` whose powers make a floor."""

_DOUBTED: Mapping[MeterClass, str] = {"estimated": "an estimated ", "simulated": "a simulated "}

Scored = tuple[CellResult, Score]

Meters = tuple[Boundary, MeterClass]


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """Matrix products at one precision: the best rate found, and what one operation costs above the constant power."""

    flops_per_s: float
    joules_per_flop: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What one machine can do and what that costs, within one boundary and by meters of one class. None is unknown."""

    boundary: Boundary
    meter_class: MeterClass
    products: Mapping[str, Products]  # by precision
    bytes_per_s: float | None
    joules_per_byte: float | None
    constant_w: float | None
    launch_s: float | None
    doubt: float | None = None  # share of itself that a floor may lie off, the meter's common scale aside

    @property
    def is_empty(self) -> bool:
        """Whether no cell of `calib` gave a rate."""
        return not self.products and self.bytes_per_s is None and self.launch_s is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """Where a cell stands below its machine's roofs. None is unknown.

    mfu, mbu   achieved operations and bytes per second over the best this machine showed; above 1: better than that
    excess     measured over floor; its interval holds what either of them may lie off
    """

    meter_class: MeterClass
    mfu: float | None
    mbu: float | None
    bound: Bound | None
    floor_joules_per_unit: float | None
    excess: float | None
    excess_low: float | None
    excess_high: float | None

    @property
    def over(self) -> str | None:
        """The excess as text; None where there is none."""
        return over_floor(self.meter_class, self.excess, self.excess_low, self.excess_high)

    @property
    def sentence(self) -> str | None:
        """All of it in one sentence; None where a rate is unknown."""
        if self.mfu is None or self.mbu is None:
            return None
        if limited_by(self.mfu, self.mbu) == "neither":
            shares = f"{percent(self.mfu)} of the matrix-product rate and {percent(self.mbu)} of the bandwidth"
            return f"limited by neither: {shares}{self._energy()}: small operations, or what stands between them"
        share, what = (self.mfu, "matrix-product rate") if self.bound == "compute" else (self.mbu, "bandwidth")
        above = ", above the calibrated rate" if round(100 * share) > 100 else ""
        return f"{self.bound}-bound: {percent(share)} of this machine's {what}{above}{self._energy()}"

    def _energy(self) -> str:
        if self.over is None:
            return ""
        below = ", below the calibrated one" if self.excess_high is not None and self.excess_high < 1 else ""
        return f", {_DOUBTED.get(self.meter_class, '')}{self.over} its energy floor{below}"


def over_floor(meter_class: MeterClass, excess: float | None, low: float | None, high: float | None) -> str | None:
    """ "1.9x"; of an estimate its range alone, "0.3x to 4.1x": its middle is not more likely than the rest of it."""
    if meter_class == "estimated":
        return None if low is None or high is None else f"{times(low)} to {times(high)}"
    return None if excess is None else times(excess)


def limited_by(mfu: float | None, mbu: float | None) -> Limit | None:
    """What holds back a cell that reaches these shares of its machine's rates; None where one is unknown."""
    if mfu is None or mbu is None:
        return None
    if max(mfu, mbu) < LEAST_SHARE:
        return "neither"
    return "compute" if mfu >= mbu else "memory"


def calibrate(result: Result, boundary: Boundary, meter_class: MeterClass) -> Calibration:
    """The machine's limits: the best rate of each kind over frameworks and sizes, and the energies that go with it.

    The constant power is that of `calib` idle, or else of the idle machine before and after the work. An energy that
    would come out negative is unknown: then the powers do not tell the parts apart.
    """
    found = list(_calib(result, boundary, meter_class))
    constant_w = _constant_w(result, boundary, found)
    copy = _fastest(found, "copy", bytes_per_s)
    per_byte = None if copy is None else _each(copy[1].mean_power_w, constant_w, 0.0, bytes_per_s(copy))
    launch = _fastest(found, "launch", lambda one: one[1].units_per_s.median)
    return Calibration(
        boundary=boundary,
        meter_class=meter_class,
        products=_products(found, constant_w, per_byte),
        bytes_per_s=None if copy is None else bytes_per_s(copy),
        joules_per_byte=per_byte,
        constant_w=constant_w,
        launch_s=None if launch is None else 1 / launch[1].units_per_s.median,
        doubt=_doubt(found),
    )


def _doubt(found: Iterable[Scored]) -> float | None:
    """The widest of the intervals that the floor's energies come from; None where one of them has none.

    The meter's scale is wrong for floor and measured energy alike, and in the latter's interval already. An estimate's
    range does not cancel: how far a model of power lies off depends on the work.
    """
    energies = (scored.joules_per_unit for cell, scored in found if cell.cell.mode in _POWERS)
    widths = [energy.width_beside_scale for energy in energies if energy is not None]
    known = [width for width in widths if width is not None]
    return max(known) if known and len(known) == len(widths) else None


def _calib(result: Result, boundary: Boundary, meter_class: MeterClass) -> Iterable[Scored]:
    for cell in result.cells:
        scored = score(cell, boundary) if cell.cell.workload == CALIB else None
        if scored is not None and scored.meter_class == meter_class and cell.work.units_per_step:
            yield cell, scored


def _constant_w(result: Result, boundary: Boundary, found: Iterable[Scored]) -> float | None:
    """The least power of the machine that holds a framework, or else of the machine with nothing to do."""
    held_w = [scored.mean_power_w for cell, scored in found if cell.cell.mode == "idle"]
    known_w = [power_w for power_w in held_w if power_w is not None]
    if known_w:
        return min(known_w)
    idle_w = idle_powers_w(result, boundary).values()
    return fmean(idle_w) if idle_w else None


def _products(found: Iterable[Scored], constant_w: float | None, per_byte: float | None) -> dict[str, Products]:
    matmuls = [one for one in found if one[0].cell.mode == "matmul"]
    best = {}
    for precision in sorted({cell.cell.precision for cell, _ in matmuls}):
        one = _fastest([one for one in matmuls if one[0].cell.precision == precision], "matmul", flops_per_s)
        if one is not None:
            rate, traffic_w = flops_per_s(one), _product(bytes_per_s(one), per_byte)
            each = _each(one[1].mean_power_w, constant_w, traffic_w, rate)
            best[precision] = Products(flops_per_s=rate, joules_per_flop=each)
    return best


def _fastest(found: Iterable[Scored], mode: str, rate: Callable[[Scored], float]) -> Scored | None:
    """The one of this mode with the greatest rate; None where none has any."""
    moving = [one for one in found if one[0].cell.mode == mode and rate(one) > 0]
    return max(moving, key=rate, default=None)


def flops_per_s(one: Scored) -> float:
    """Operations per second, by the workload's own count."""
    cell, scored = one
    return scored.units_per_s.median * cell.work.flops_per_step / cell.work.units_per_step


def bytes_per_s(one: Scored) -> float:
    """Bytes per second of the least traffic that the work needs."""
    cell, scored = one
    return scored.units_per_s.median * cell.work.bytes_per_step / cell.work.units_per_step


def _each(power_w: float | None, constant_w: float | None, other_w: float | None, rate_per_s: float) -> float | None:
    """Joules of one operation: what is drawn above the constant power and what goes to other things, over the rate."""
    if power_w is None or constant_w is None or other_w is None:
        return None
    joules = (power_w - constant_w - other_w) / rate_per_s
    return joules if joules >= 0 else None


def _product(count: float, each: float | None) -> float | None:
    """What so many cost: nothing where there are none, unknown where one's cost is."""
    if count == 0:
        return 0.0
    return None if each is None else count * each


def roofline(cell: CellResult, scored: Score, limits: Calibration) -> Roofline | None:
    """Where the cell stands below these limits, which must be of its boundary and class; None for calib's own cells."""
    work = cell.work
    if cell.cell.workload == CALIB or not work.units_per_step:
        return None
    flops, traffic = work.flops_per_step / work.units_per_step, work.bytes_per_step / work.units_per_step
    products = limits.products.get(cell.cell.precision)
    flops_s = _product(flops, None if products is None else 1 / products.flops_per_s)
    traffic_s = _product(traffic, None if limits.bytes_per_s is None else 1 / limits.bytes_per_s)
    floor = _sum(
        _product(flops, None if products is None else products.joules_per_flop),
        _product(traffic, limits.joules_per_byte),
        None if flops_s is None or traffic_s is None else _product(max(flops_s, traffic_s), limits.constant_w),
    )
    energy, rate = scored.joules_per_unit, scored.units_per_s.median
    return Roofline(
        meter_class=scored.meter_class,
        mfu=None if flops_s is None else flops_s * rate,
        mbu=None if traffic_s is None else traffic_s * rate,
        bound=None if flops_s is None or traffic_s is None else "compute" if flops_s >= traffic_s else "memory",
        floor_joules_per_unit=floor,
        excess=_over(energy.median if energy else None, floor),
        excess_low=_over(energy.low if energy else None, _times(floor, limits.doubt, 1)),
        excess_high=_over(energy.high if energy else None, _times(floor, limits.doubt, -1)),
    )


def _sum(*parts: float | None) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _times(floor: float | None, doubt: float | None, sign: int) -> float | None:
    """The floor at one end of its interval; None where that has no such end."""
    return None if floor is None or doubt is None or doubt >= 1 else floor * (1 + sign * doubt)


def _over(joules: float | None, floor: float | None) -> float | None:
    return None if joules is None or not floor else joules / floor


def calibrations(result: Result) -> Mapping[Meters, Calibration]:
    """The limits of a result's machine within every boundary and class that its cells have scores for."""
    found = (score(cell, boundary) for cell in result.cells for boundary in boundaries_of(cell))
    meters = dict.fromkeys((one.boundary, one.meter_class) for one in found if one is not None)
    return {key: calibrate(result, *key) for key in meters}


def explained(result: Result, boundary: Boundary) -> list[tuple[CellResult, Roofline | None]]:
    """Every cell of a result with where it stands; None for cells without a score, and for calib's own."""
    limits = calibrations(result)
    scores = ((cell, score(cell, boundary)) for cell in result.cells)
    return [
        (cell, None if one is None else roofline(cell, one, limits[one.boundary, one.meter_class]))
        for cell, one in scores
    ]

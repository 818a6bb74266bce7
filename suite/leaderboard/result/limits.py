"""A machine's own limits as text, and where a cell stands below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from suite.roofline import Calibration, Roofline
from suite.units import digits_for, percent, quantity, times


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Where a cell stands. None is unknown, or does not apply: calib's own cells have no floor."""

    over: str | None = None
    interval: str | None = None
    joules: str | None = None
    mfu: str | None = None
    mbu: str | None = None
    sentence: str | None = None


def floor(line: Roofline | None, unit: str) -> Floor:
    """The energy floor in J per `unit`, how far above it the cell is, and the shares of the machine's rates."""
    if line is None:
        return Floor()
    least, low, high = line.floor_joules_per_unit, line.excess_low, line.excess_high
    is_range = line.meter_class == "estimated"  # which `over` tells already
    return Floor(
        over=line.over,
        interval=None if low is None or high is None or is_range else f"{times(low)} to {times(high)}",
        joules=None if least is None else quantity(least, f"J/{unit}", 2 if is_range else 3),
        mfu=None if line.mfu is None else percent(line.mfu),
        mbu=None if line.mbu is None else percent(line.mbu),
        sentence=line.sentence,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """One limit. `costs` has an entry for each column; None where it is unknown, "" where there is none to tell."""

    name: str
    rate: str
    costs: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What calibration found. `columns` are the boundaries and classes its energies were metered in."""

    columns: tuple[tuple[str, str], ...]
    lines: tuple[LimitLine, ...]


def limits(known: Iterable[Calibration]) -> Limits | None:
    """None where no cell of `calib` gave a rate."""
    found = [one for one in known if not one.is_empty]
    if not found:
        return None
    return Limits(
        columns=tuple((one.boundary, one.meter_class) for one in found),
        lines=tuple(_lines(found)),
    )


def _lines(found: Sequence[Calibration]) -> Iterator[LimitLine]:
    """Rates are those of the first: they do not depend on what is metered."""
    first = found[0]
    for precision, products in first.products.items():
        each = [one.products[precision].joules_per_flop if precision in one.products else None for one in found]
        rate = quantity(products.flops_per_s, "FLOP/s")
        yield _line(f"Matrix products, {precision}", rate, found, each, "J/FLOP")
    if first.bytes_per_s is not None:
        rate = quantity(first.bytes_per_s, "B/s")
        yield _line("Memory, read and written", rate, found, [one.joules_per_byte for one in found], "J/B")
    if first.launch_s is not None:
        rate = f"{quantity(first.launch_s, 's')} each"
        yield LimitLine(name="Launches of next to nothing", rate=rate, costs=("",) * len(found))
    yield _line("Constant power", "", found, [one.constant_w for one in found], "W")


def _line(name: str, rate: str, found: Sequence[Calibration], costs: Sequence[float | None], unit: str) -> LimitLine:
    """Each cost with the digits that the calibration it comes from supports."""
    known = zip(costs, found, strict=True)
    told = (None if cost is None else quantity(cost, unit, digits_for(1.0, one.doubt)) for cost, one in known)
    return LimitLine(name=name, rate=rate, costs=tuple(told))
